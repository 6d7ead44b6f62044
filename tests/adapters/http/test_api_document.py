"""docs/api.md says what the code does."""

import re
from pathlib import Path

from callserver.adapters.http.openapi import OPERATIONS
from callserver.adapters.http.problems import STATUS
from callserver.adapters.http.settings import BODY_BYTES_MAX, PAGE_MAX, HttpSettings
from callserver.domain.declined import Reason

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def test_every_error_code_is_listed_with_its_status() -> None:
    """A client writer can rely on the table."""
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", TEXT, re.MULTILINE)
    assert {(int(status), code) for status, code in rows} == {
        (int(status), code.value) for code, status in STATUS.items()
    }


def test_every_rule_that_says_no_is_listed() -> None:
    """With the status it is answered with: 404 for what does not exist, else 409."""
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", TEXT, re.MULTILINE)
    assert {(code, int(status)) for code, status in rows} == {
        (reason.value, 404 if reason.value.endswith("_unknown") else 409) for reason in Reason
    }


def test_every_path_is_described() -> None:
    """None is left out."""
    for operation in OPERATIONS:
        assert operation.path in TEXT


def test_the_bounds_are_those_of_the_code() -> None:
    """Numbers in prose age; these do not."""
    settings = HttpSettings()
    bounds = TEXT.partition("## Bounds")[2]
    for bound in (
        f"{settings.connections_max} connections",
        f"{settings.connections_per_address_max} from one address",
        f"{settings.request_read_s:.0f} s for a request",
        f"{settings.request_run_s:.0f} s for its answer",
        f"{settings.idle_s:.0f} s idle",
        f"{settings.requests_per_token_max} requests at once per token",
        f"{settings.lists_per_token_max} of them",
        f"{BODY_BYTES_MAX // 1024} KiB of body",
    ):
        assert bound in bounds.replace("\n", " ")
    assert f"`limit` 1 … {PAGE_MAX}" in TEXT
