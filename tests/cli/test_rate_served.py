"""`callserver rate` and a running server's /v1/rate: one answer."""

import json
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import Run
from tests.cli.serving import serving

AT = "2026-11-23T12:00:00+08:00"
DID = "4008001234"


def test_the_running_server_says_what_the_command_says(run: Run, data: Path) -> None:
    """The same number, customer or tariff, caller and time: the very same answer."""
    call = {"seconds": 61, "from": "13800571234", "at": AT}
    secret = run("token", "create", "--admin", "--data", data, "--json").json["token"]
    with serving(data, "--json") as server:
        url = json.loads(server.ready())["http"]
        for what in ({"did": DID}, {"customer": "clinic"}, {"tariff": "six"}):
            query = what | call
            options = [part for name, value in query.items() for part in (f"--{name}", value)]
            printed = run("rate", *options, "--data", data, "--json").json
            wanted = urllib.request.Request(
                f"{url}/v1/rate?{urlencode(query)}", headers={"Authorization": f"Bearer {secret}"}
            )
            with urllib.request.urlopen(wanted, timeout=60) as answer:
                assert json.load(answer) == printed
            assert printed["tariff"]


def test_a_number_and_a_customer_are_priced_by_theirs(run: Run, data: Path) -> None:
    """People read whose tariff it is; programs also what it costs the provider."""
    told = run("rate", "--did", DID, "--seconds", 61, "--data", data)
    assert told.status == 0
    assert "by tariff " in told.out
    shown = run("rate", "--customer", "clinic", "--seconds", 61, "--data", data, "--json").json
    assert {"cost", "margin"} <= shown.keys()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ("--did 4000000000", 1, "no number 4000000000"),
        ("--did 123", 2, "not 400 and seven digits"),
        ("--customer gone", 1, "no customer 'gone'"),
        ("--customer clinic --did 4008001234", 2, "leave out --customer"),
        ("--customer clinic --rate 0.15", 2, "leave out --rate"),
        ("--tariff minut", 1, "did you mean 'minute'? `callserver tariffs list` shows all"),
    ],
)
def test_what_cannot_be_priced_is_said(
    run: Run, data: Path, options: str, status: int, said: str
) -> None:
    """What is not in the books ends with 1, what does not go together with 2."""
    got = run("rate", *options.split(), "--seconds", 1, "--data", data)
    assert (got.status, got.out) == (status, "")
    assert said in " ".join(got.err.split())
