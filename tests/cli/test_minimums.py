"""`callserver minimums`: set, raised, shown; never lowered."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

NUMBER = "4008001234"


def test_a_raise_must_be_confirmed(run: Run, data: Path) -> None:
    """Without --yes nothing is set, and the reason says that it is for ever."""
    got = run("minimums", "set", NUMBER, "50", "--data", data)
    assert (got.status, got.out) == (1, "")
    assert "once raised it cannot be lowered" in got.err
    assert run("minimums", "show", NUMBER, "--data", data, "--json").json["history"] == []


def test_set_raise_and_show(run: Run, data: Path) -> None:
    """From next month on; the history says who and why; lower is refused."""
    first = run(
        *("minimums", "set", NUMBER, "50", "--yes", "--data", data, "--json"),
        *("--reason", "contract 7", "--operation-id", "op-1"),
    ).json
    assert (first["minimum"]["amount"], first["base"]["amount"]) == ("50.000000", "100.000000")
    again = run(
        *("minimums", "set", NUMBER, "50", "--yes", "--data", data, "--json"),
        *("--operation-id", "op-1"),
    ).json
    assert again == first
    raised = run("minimums", "raise", NUMBER, "60", "-y", "--data", data)
    assert raised.out == f"{NUMBER}: 60.00 yuan a month from {first['from_month']}\n"
    for command in ("raise", "set"):
        assert run("minimums", command, NUMBER, "55", "-y", "--data", data).status == 1
    shown = run("minimums", "show", NUMBER, "--data", data)
    assert "contract 7" in shown.out
    assert "rate now 0.15 yuan a minute" in shown.out
    listed = run("minimums", "list", "--data", data, "--json").json["minimums"]
    assert [(each["did"], each["minimum"]["amount"]) for each in listed] == [(NUMBER, "60.000000")]
    assert run("minimums", "list", "--data", data).status == 0


def test_said_at_another_rate(run: Run, data: Path) -> None:
    """100 at 0.3 is 50 for a number at 0.15."""
    args = ("--at-rate", "0.3", "--yes", "--data", data, "--json")
    assert run("minimums", "set", NUMBER, "100", *args).json["minimum"]["amount"] == "50.000000"


def test_nothing_to_follow(run: Run, data: Path) -> None:
    """Numbers in use follow no rate."""
    run("minimums", "set", NUMBER, "50", "--yes", "--data", data)
    assert run("minimums", "follow", "--data", data, "--json").json == {"followed": 0}
    assert run("minimums", "follow", "--data", data).out.startswith("0 minimums")


@pytest.mark.parametrize(("rate", "minimum"), [("0.15", "50"), ("0.12", "40"), ("0.13", "43.33")])
def test_the_formula(run: Run, rate: str, minimum: str) -> None:
    """100 at 0.3, at other rates; --at-rate where it is said at another."""
    got = run("minimums", "formula", "100", "--rate", rate, "--json").json
    assert got["minimum"]["amount"] == f"{float(minimum):.6f}"
    assert run("minimums", "formula", minimum, "--rate", rate, "--at-rate", rate).status == 0


@pytest.mark.parametrize(
    "args",
    [("set", "123", "50"), ("set", NUMBER, "x"), ("show", "123"), ("formula", "1", "--rate", "y")],
)
def test_wrong_usage(run: Run, data: Path, args: tuple[str, ...]) -> None:
    """What cannot be read is wrong usage."""
    more = () if args[0] == "formula" else ("--data", data)
    assert run("minimums", *args, *more).status == 2


def test_a_number_nobody_knows(run: Run, data: Path) -> None:
    """Neither shown nor set."""
    for args in (("show",), ("set", "50", "-y")):
        got = run("minimums", args[0], "4009999999", *args[1:], "--data", data)
        assert (got.status, "There is no number" in got.err) == (1, True)
