"""/v1/providers: every reseller sees its own tree and nothing else."""

import uuid

import pytest
from pydantic import BaseModel
from sqlalchemy import insert

from callserver.adapters.http import provider_models as models
from callserver.adapters.sql.schema_providers import commission
from tests.adapters.http.bed import Bed, Reply
from tests.adapters.sql.samples import cdr

LAST_YEAR = "2025-11"


async def contest(bed: Bed, call_id: str, who: str, end: str = "", note: str = "who?") -> Reply:
    body = {} if end else {"json": {"note": note}}
    return await bed.ask(
        f"/v1/cdrs/{call_id}/dispute{end}",
        who,
        "POST",
        headers={"Idempotency-Key": uuid.uuid4().hex},
        **body,
    )


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("admin", ["north", "city", "south"]), ("noc", ["north", "city", "south"]),
        ("north", ["north", "city"]), ("south", ["south"]), ("acme", []),
    ],
)  # fmt: skip
async def test_the_tree_is_ones_own(bed: Bed, who: str, seen: list[str]) -> None:
    """Those below under those above; a customer sees no provider."""
    reply = await bed.ask("/v1/providers", who)
    models.Providers.model_validate(reply.json)
    assert [each["provider"] for each in reply.json["providers"]] == seen


@pytest.mark.parametrize("path", ["", "/customers", "/report", "/commissions"])
@pytest.mark.parametrize(
    ("who", "provider", "status"),
    [
        ("north", "north", 200), ("north", "city", 200), ("north", "south", 404),
        ("south", "north", 404), ("acme", "north", 404), ("admin", "city", 200),
        ("noc", "south", 200), ("admin", "nobody", 404), ("admin", "No-Slug", 404),
    ],
)  # fmt: skip
async def test_a_foreign_provider_is_a_missing_one(
    bed: Bed, who: str, provider: str, path: str, status: int
) -> None:
    """Whatever is asked about it."""
    reply = await bed.ask(f"/v1/providers/{provider}{path}", who)
    assert reply.status == status
    if status == 404:
        assert reply.json["code"] == "provider_unknown"


async def test_the_top_hides_who_is_above(bed: Bed) -> None:
    """A provider sees its own parent only where it sees that provider."""
    parents = {
        each["provider"]: each["parent"]
        for each in (await bed.ask("/v1/providers", "north")).json["providers"]
    }
    assert parents == {"north": None, "city": "north"}


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/providers/north", models.Provider),
        ("/v1/providers/north/customers", models.CustomerPage),
        ("/v1/providers/north/report", models.Report),
        (f"/v1/providers/north/report?month={LAST_YEAR}", models.Report),
        ("/v1/providers/north/commissions", models.Commissions),
        ("/v1/customers/acme", models.Customer),
    ],
)
async def test_answers_are_what_the_document_says(
    bed: Bed, path: str, model: type[BaseModel]
) -> None:
    """Field by field."""
    reply = await bed.ask(path)
    assert reply.status == 200, reply.text
    model.model_validate(reply.json)


async def test_customers_come_in_pages(bed: Bed) -> None:
    """In order of their ids; those of providers below are among them."""
    first = (await bed.ask("/v1/providers/north/customers?limit=1", "north")).json
    assert ([each["customer"] for each in first["customers"]], first["next_cursor"]) == (
        ["acme"],
        "acme",
    )
    rest = (await bed.ask("/v1/providers/north/customers?cursor=acme", "north")).json
    assert ([each["customer"] for each in rest["customers"]], rest["next_cursor"]) == (
        ["bolt"],
        None,
    )


async def test_a_report_adds_up(bed: Bed) -> None:
    """Calls by the month in which they ended."""
    await bed.books.write_cdrs([cdr(account="acme", provider="north") for _ in range(2)])
    await bed.top_up("bolt", "5.00")
    report = (await bed.ask("/v1/providers/north/report?month=2026-09", "north")).json
    assert [(each["provider"], each["usage"]["calls"]) for each in report["lines"]] == [
        ("north", 2),
        ("city", 0),
    ]
    total = report["total"]
    assert total["usage"]["fees"]["amount"] == "0.600000"
    assert total["customers_settled"]["amount"] == "4.400000"
    assert (total["providers"], total["customers"]) == (2, 2)


@pytest.mark.parametrize("query", ["month=2026-13", "month=now", "monat=2026-01", "limit=5"])
async def test_a_wrong_parameter_is_said(bed: Bed, query: str) -> None:
    """400, naming it."""
    reply = await bed.ask(f"/v1/providers/north/report?{query}")
    assert (reply.status, reply.json["code"]) == (400, "bad_value")


@pytest.mark.parametrize(
    ("who", "customer", "status"),
    [
        ("acme", "acme", 200), ("acme", "bolt", 404), ("north", "bolt", 200),
        ("south", "bolt", 404), ("admin", "nobody", 404),
    ],
)  # fmt: skip
async def test_a_customer_is_seen_by_itself_and_those_above(
    bed: Bed, who: str, customer: str, status: int
) -> None:
    """A foreign one is a missing one."""
    reply = await bed.ask(f"/v1/customers/{customer}", who)
    assert reply.status == status
    if status == 404:
        assert reply.json["code"] == "customer_unknown"


async def test_a_call_is_contested_by_those_it_concerns(bed: Bed) -> None:
    """The customer contests, its provider settles; others find no such call."""
    call = cdr()
    await bed.books.write_cdrs([call])
    assert (await contest(bed, call.call_id, "cork")).status == 404
    assert (await contest(bed, call.call_id, "south")).status == 404
    assert (await contest(bed, call.call_id, "noc")).status == 403
    noted = await contest(bed, call.call_id, "acme", note="never rang")
    assert noted.status == 201
    models.Dispute.model_validate(noted.json)
    again = await contest(bed, call.call_id, "north", note="another")
    assert again.json == noted.json
    assert (await contest(bed, call.call_id, "acme", "/close")).status == 403
    settled = await contest(bed, call.call_id, "north", "/close")
    assert settled.status == 200
    assert settled.json["closed_at"] is not None


@pytest.mark.parametrize("call_id", ["07-" + "0" * 32, "nonsense"])
async def test_only_finished_calls_are_contested(bed: Bed, call_id: str) -> None:
    """404."""
    reply = await contest(bed, call_id, "admin")
    assert (reply.status, reply.json["code"]) == (404, "cdr_unknown")


async def test_commissions_come_in_pages(bed: Bed) -> None:
    """The newest month first, then by provider and part; each once, whatever the page's size."""
    keys = [
        (month, provider, part)
        for month in ("2025-12", "2025-11")
        for provider in ("city", "north")
        for part in (0, 1)
    ]
    amounts = dict.fromkeys(("fees_micros", "cost_micros", "earned_micros", "amount_micros"), 5)
    rows = [
        {"month": month, "provider": provider, "part": part, "operation_id": f"c:{each}"}
        | amounts | {"calls": 1, "actor": "t", "posted_ms": each}
        for each, (month, provider, part) in enumerate(keys)
    ]  # fmt: skip
    await bed.books.database.write(lambda connection: connection.execute(insert(commission), rows))
    for most in (1, 3, 8):
        found, cursor = [], ""
        while cursor is not None:
            path = f"/v1/providers/north/commissions?limit={most}{cursor and '&cursor=' + cursor}"
            page = (await bed.ask(path, "north")).json
            assert len(page["commissions"]) <= most
            found += [
                (each["month"], each["provider"], each["part"]) for each in page["commissions"]
            ]
            cursor = page["next_cursor"]
        assert found == keys
    bad = await bed.ask("/v1/providers/north/commissions?cursor=2025-11:city", "north")
    assert (bad.status, bad.json["code"]) == (400, "bad_value")
