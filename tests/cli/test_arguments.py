"""Amounts on the command line: what is wrong with one is said, with the limit."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

MANY = "9" * 20
WRONG = [  # command, what is said
    (f"accounts topup clinic {MANY}", "is too much; at most"),
    ("accounts topup clinic -5", "an amount is positive; to take money off, `callserver accounts "
     "adjust clinic -5 --reason …`"),
    ("accounts topup clinic 0", "an amount is positive"),
    ("accounts topup clinic five", "not an amount of yuan"),
    ("accounts transfer huaxin clinic -5 --reason x", "an amount is positive"),
    (f"accounts adjust clinic -{MANY} --reason x", "larger than 9007199254.740991"),
    (f"rate --rate {MANY} --seconds 1", "larger than 9007199254.740991, the most we count"),
    (f"rate --rate {'9' * 5000} --seconds 1", "larger than"),
    ("bill clinic --month x", "Invalid value for --month: 'x' is not a month"),
    ("providers commissions x", "Invalid value for MONTH: 'x' is not a month"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "said"), WRONG, ids=[each[0][:40] for each in WRONG])
def test_what_is_wrong_is_said(run: Run, data: Path, command: str, said: str) -> None:
    """Wrong usage: exit status 2, the option or argument named, and nothing moved."""
    words = command.split()
    where = () if words[0] == "rate" else ("--data", data)
    got = run(*words, *where)
    assert (got.status, got.out) == (2, "")
    assert said in " ".join(got.err.split())


def test_options_of_a_top_up_may_still_stand_anywhere(run: Run, data: Path) -> None:
    """Negative amounts are read as amounts; options stay options, misspelt ones are refused."""
    got = run("accounts", "topup", "--data", data, "clinic", "5.00", "--reason", "gift", "--json")
    assert got.json["amount"] == {"amount": "5.000000", "currency": "CNY"}
    assert run("accounts", "topup", "clinic", "5.00", "--reson", "x", "--data", data).status == 2
