"""Plans on the command line beside a running server."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.serving import serving


@pytest.mark.xdist_group("serving")
def test_the_server_is_asked_and_does_the_rest(run: Run, data: Path) -> None:
    """The fee is taken with its balance known; what is cancelled at once lapses within a look."""
    run("plans", "add", "mini", "--annual-fee", "10", "--minutes", "100", "--data", data)
    with serving(data, CALLSERVER_PLANS__LOOK_S="1") as server:
        server.ready()
        got = run("plans", "subscribe", "tea", "mini", "--data", data, "--json")
        assert (got.status, got.json["state"], got.err) == (0, "active", "")
        assert run("plans", "cancel", "tea", "--at-once", "--data", data).status == 0
        for _ in range(60):
            [grant] = run("plans", "show", "tea", "--data", data, "--json").json["grants"]
            if grant["minutes_lapsed"]:
                break
        assert (grant["minutes_lapsed"], grant["minutes_left"]) == (100, 0)
