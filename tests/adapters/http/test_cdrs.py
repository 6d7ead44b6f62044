"""Finished calls over HTTP."""

from typing import Any

import pytest

from callserver.adapters.http import models
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.cdr import Disposition
from callserver.domain.rerating import Correction
from callserver.ports.rerating import Posting
from tests.adapters.http.bed import Bed
from tests.adapters.sql.samples import T0_MS, cdr

HOUR_MS = 3_600_000


async def test_a_cdr_shows_everything_with_its_arithmetic(bed: Bed) -> None:
    """What the customer pays for, and why."""
    finished = cdr(fee_micros=300_000, charged_micros=200_000, written_off_micros=100_000)
    await bed.books.write_cdrs([finished])
    shown = models.CorrectedCdr.model_validate(
        (await bed.ask(f"/v1/cdrs/{finished.call_id}", "acme")).json
    )
    assert (shown.fee.amount, shown.charged.amount) == ("0.300000", "0.200000")
    assert (shown.written_off.amount, shown.fee_lines) == ("0.100000", list(finished.fee_lines))
    assert [tried.result for tried in shown.attempts] == ["BUSY", "ANSWER"]
    assert shown.ended_at.timestamp() * 1000 == pytest.approx(finished.ended_ms)
    assert (shown.tariff and shown.tariff.name, shown.caller.number) == ("standard", "02188886666")


async def test_the_cost_is_no_customers_business(bed: Bed) -> None:
    """Provider and admin see cost and margin, the customer not even that there are any."""
    finished = cdr(cost_micros=120_000, included_minutes=2)
    await bed.books.write_cdrs([finished])
    path = f"/v1/cdrs/{finished.call_id}"
    for who in ("north", "admin"):
        shown = models.CorrectedCdr.model_validate((await bed.ask(path, who)).json)
        assert (shown.cost and shown.cost.amount, shown.margin and shown.margin.amount) == (
            "0.120000",
            "0.180000",
        )
    for who in ("acme", "noc"):
        for each in (
            (await bed.ask(path, who)).json,
            (await bed.ask("/v1/cdrs", who)).json["cdrs"][0],
            (await bed.ask(f"/v1/calls/{finished.call_id}", who)).json["cdr"],
        ):
            assert "cost" not in each
            assert "margin" not in each
            assert each["included_minutes"] == 2


async def test_a_cost_that_is_not_known_is_null(bed: Bed) -> None:
    """Not nothing: the provider has no cost tariff."""
    finished = cdr()
    await bed.books.write_cdrs([finished])
    shown = (await bed.ask(f"/v1/cdrs/{finished.call_id}", "north")).json
    assert (shown["cost"], shown["margin"]) == (None, None)


async def test_an_unanswered_call_has_nulls_for_what_never_happened(bed: Bed) -> None:
    """Never is null, not 1970."""
    refused = cdr(
        rang_ms=0, answered_ms=0, billsec=0, billed_s=0, fee_micros=0, charged_micros=0,
        disposition=Disposition.REFUSED, refusal="unknown_did", tariff=None, tariff_version=None,
        customer=None, provider=None, account=None, attempts=(), destination="",
        caller=Caller("", CallerKind.UNKNOWN),
    )  # fmt: skip
    await bed.books.write_cdrs([refused])
    shown = models.CorrectedCdr.model_validate(
        (await bed.ask(f"/v1/cdrs/{refused.call_id}", "noc")).json
    )
    assert (shown.rang_at, shown.answered_at, shown.tariff, shown.customer) == (None,) * 4
    assert (shown.caller.number, shown.caller.region, shown.refusal) == ("", None, "unknown_did")


async def test_pages_follow_each_other_the_newest_first(bed: Bed) -> None:
    """Cursors lead through all CDRs, none twice, none missing."""
    await bed.books.write_cdrs([cdr(ended_ms=T0_MS + number // 2) for number in range(25)])
    seen: list[dict[str, Any]] = []
    path = "/v1/cdrs?limit=10"
    while path:
        page = (await bed.ask(path, "acme")).json
        models.CdrPage.model_validate(page)
        seen += page["cdrs"]
        following = page["next_cursor"]
        path = f"/v1/cdrs?limit=10&cursor={following}" if following else ""
    assert len({row["call_id"] for row in seen}) == len(seen) == 25
    assert [row["ended_at"] for row in seen] == sorted((r["ended_at"] for r in seen), reverse=True)


async def test_ranges_are_half_open_and_take_any_offset(bed: Bed) -> None:
    """From is in the range, to is not; Shanghai's time is the same instant."""
    at_ms = 1_790_000_000_000  # 2026-09-21T14:13:20Z
    await bed.books.write_cdrs([cdr(ended_ms=at_ms + shift) for shift in (-1, 0, HOUR_MS)])
    for begin, end in (
        ("2026-09-21T14:13:20Z", "2026-09-21T15:13:20Z"),
        ("2026-09-21T22:13:20%2B08:00", "2026-09-21T23:13:20.000%2B08:00"),
    ):
        page = (await bed.ask(f"/v1/cdrs?from={begin}&to={end}")).json
        assert [row["ended_at"] for row in page["cdrs"]] == ["2026-09-21T14:13:20.000Z"]


async def test_cdrs_are_filtered_by_did(bed: Bed) -> None:
    """One number of several."""
    await bed.books.write_cdrs([cdr(), cdr(did="4007654321")])
    page = (await bed.ask("/v1/cdrs?did=4007654321", "acme")).json
    assert [row["did"] for row in page["cdrs"]] == ["4007654321"]


async def test_everybody_sees_only_their_own_cdrs(bed: Bed) -> None:
    """Also calls to unknown numbers, which are nobody's: NOC and admin alone."""
    await bed.books.write_cdrs(
        [
            cdr(customer="acme"), cdr(customer="bolt"), cdr(customer="cork"),
            cdr(customer=None, provider=None, account=None, charged_micros=0),
        ]
    )  # fmt: skip
    seen = {}
    for who in ("admin", "noc", "north", "south", "acme", "cork"):
        page = (await bed.ask("/v1/cdrs", who)).json
        seen[who] = sorted(row["customer"] or "nobody" for row in page["cdrs"])
        in_full = who in {"acme", "cork"}
        assert {row["caller"]["masked"] for row in page["cdrs"]} == {not in_full}
        wanted = "02188886666" if in_full else "0218****666"
        assert {row["caller"]["number"] for row in page["cdrs"]} == {wanted}
    everybody = ["acme", "bolt", "cork", "nobody"]
    assert seen == {
        "admin": everybody,
        "noc": everybody,
        "north": ["acme", "bolt"],
        "south": ["cork"],
        "acme": ["acme"],
        "cork": ["cork"],
    }


async def test_a_foreign_cdr_is_not_found_like_a_missing_one(bed: Bed) -> None:
    """The answers don't differ by a byte."""
    theirs = cdr(customer="acme")
    await bed.books.write_cdrs([theirs])
    replies = [
        await bed.ask(f"/v1/cdrs/{call_id}", "cork")
        for call_id in (theirs.call_id, f"07-{'0' * 32}", "nonsense")
    ]
    assert {(reply.status, reply.json["code"]) for reply in replies} == {(404, "cdr_unknown")}
    assert len({reply.text for reply in replies}) == 1


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("from=yesterday", "RFC 3339"),
        ("from=2026-09-21", "RFC 3339"),
        ("from=2026-09-21T14:13:20", "RFC 3339"),
        ("from=2026-02-30T00:00:00Z", "no such instant"),
        ("from=2026-09-21T14:13:20+08:00", "%2B"),
        ("from=2026-09-21T14:13:20Z&to=2026-09-21T14:13:20Z", "later"),
        ("limit=0", "1 to 1000"),
        ("limit=1001", "1 to 1000"),
        ("limit=ten", "1 to 1000"),
        ("did=400123456", "10 digits"),
        ("did=4001234567%27", "10 digits"),
        ("cursor=", "next_cursor"),
        ("cursor=AAAA", "next_cursor"),
        ("cursor=" + "A" * 300, "next_cursor"),
        ("form=2026-09-21T14:13:20Z", "did you mean from"),
        ("limit=5&limit=6", "twice"),
        ("xyz=1", "there are"),
    ],
)
async def test_a_query_that_cannot_be_used_is_said_why(bed: Bed, query: str, says: str) -> None:
    """Nothing misspelt is ignored."""
    reply = await bed.session.get(
        bed.url("/v1/cdrs") + f"?{query}",
        headers={"Authorization": f"Bearer {bed.secrets['admin']}"},
    )
    problem = models.Problem.model_validate(await reply.json(content_type=None))
    assert (reply.status, problem.code) == (400, "bad_value")
    assert says in problem.detail


async def test_a_corrected_call_shows_its_corrections(bed: Bed) -> None:
    """The CDR's own money stays; the correction's arithmetic stands beside it."""
    finished = cdr(customer="acme", account="acme")
    await bed.books.write_cdrs([finished])
    correction = Correction(
        finished.call_id, finished.token_hash, "acme", finished.ended_ms, "cheap", 2,
        300_000, 200_000, 0, 0, ("120 s × 0.10 / 60 s = 0.20",),
    )  # fmt: skip
    posting = Posting("clerk", "agreed", force=True)
    await SqlRerating(bed.books.database, bed.clock).post([correction], posting)
    reply = await bed.ask(f"/v1/cdrs/{finished.call_id}", "acme")
    shown = models.CorrectedCdr.model_validate(reply.json)
    assert shown.charged.amount == "0.300000"
    (found,) = shown.corrections
    assert (found.before.amount, found.after.amount) == ("0.300000", "0.200000")
    assert (found.tariff.version, found.reason) == (2, "agreed")
