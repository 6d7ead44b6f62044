"""`callserver cdr purge|dispute|disputes|regions`."""

from pathlib import Path

from tests.cli.conftest import Run

KEEP_NONE = {"CALLSERVER_RETENTION__CALLER_MONTHS": "0"}
LONG_AGO = "2026-09"  # when the sample's calls ended


def first_call(run: Run, data: Path) -> str:
    """The id of one of the six."""
    return str(run("cdr", "list", "--data", data, "--json").json["cdrs"][0]["call_id"])


def test_a_look_deletes_nothing(run: Run, data: Path) -> None:
    """It says how many would go, and before when."""
    got = run("cdr", "purge", "--dry-run", "--json", "--data", data, **KEEP_NONE).json
    assert (got["callers"], got["disputed"], got["dry_run"]) == (6, 0, True)
    assert got["before"].endswith("T16:00:00.000Z"), "midnight in Shanghai"
    told = run("cdr", "purge", "--dry-run", "--data", data, **KEEP_NONE)
    assert "6 callers would be deleted" in told.out
    assert "02188886666" in run("cdr", "list", "--full-callers", "--data", data).out


def test_a_purge_leaves_money_counts_and_the_disputed(run: Run, data: Path) -> None:
    """Again it finds nothing."""
    call_id = first_call(run, data)
    noted = run("cdr", "dispute", call_id, "--note", "never rang", "--data", data)
    assert noted.out == f"{call_id}: disputed: never rang\n"
    done = run("cdr", "purge", "--data", data, **KEEP_NONE)
    assert "5 callers deleted\n1 of disputed calls stay\n" in done.out
    again = run("cdr", "purge", "--json", "--rewrite", "--data", data, **KEEP_NONE).json
    assert (again["callers"], again["disputed"]) == (0, 1)
    calls = run("cdr", "list", "--full-callers", "--data", data, "--json").json["cdrs"]
    assert [call["caller"]["number"] for call in calls].count("02188886666") == 1
    assert {call["fee"]["amount"] for call in calls} == {"0.300000"}
    days = run("cdr", "regions", "--month", LONG_AGO, "--data", data, "--json").json["days"]
    assert sum(day["calls"] for day in days) == 5
    assert {(day["province"], day["area_code"]) for day in days} == {("上海", "021")}
    table = run("cdr", "regions", "--month", LONG_AGO, "--did", "4008001234", "--data", data).out
    assert len(table.splitlines()) == 2


def test_disputes_are_listed_until_they_are_settled(run: Run, data: Path) -> None:
    """Then only with --all."""
    call_id = first_call(run, data)
    assert run("cdr", "disputes", "--data", data).err == "no disputes\n"
    args = ["cdr", "dispute", call_id, "--note", "who was it", "--data", data, "--json"]
    assert run(*args).json == run(*args).json
    (noted,) = run("cdr", "disputes", "--data", data, "--json").json["disputes"]
    assert (noted["call_id"], noted["note"], noted["settled"]) == (call_id, "who was it", None)
    assert run("cdr", "dispute", call_id, "--close", "--data", data).out == f"{call_id}: settled\n"
    assert run("cdr", "disputes", "--data", data).out == ""
    assert "settled" in run("cdr", "disputes", "--all", "--data", data).out


def test_wrong_usage_is_told(run: Run, data: Path) -> None:
    """Note or close, a month that is one, a call that exists."""
    assert run("cdr", "dispute", "x", "--data", data).status == 2
    assert run("cdr", "dispute", "x", "--note", "a", "--close", "--data", data).status == 2
    assert run("cdr", "regions", "--month", "2026-13", "--data", data).status == 2
    unknown = run("cdr", "dispute", "x", "--note", "a", "--data", data)
    assert (unknown.status, "no finished call" in unknown.err) == (1, True)
