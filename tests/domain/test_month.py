"""Usage adds up, lines say why they owe nothing, and months are closed in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.bill import Bill, BillLine, BillState, LateLine, Movement
from callserver.domain.billing_month import BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import EntryKind
from callserver.domain.minimum import Service, Standing
from callserver.domain.month import (
    MonthClose,
    MonthReport,
    Phase,
    ReportSums,
    Usage,
    closable,
    differences,
    line,
    total,
)

OCTOBER, NOVEMBER, DECEMBER = (BillingMonth(2026, month) for month in (10, 11, 12))
usages = st.builds(Usage, *[st.integers(0, 10**9)] * 7)


@given(st.lists(usages, max_size=5))
def test_usage_adds_up(parts: list[Usage]) -> None:
    """A total is the sum of its parts, and what is taken off is gone."""
    summed = total(parts)
    assert summed == sum(parts, Usage())
    for part in parts:
        summed -= part
    assert summed == Usage()


ALWAYS = Service("acme", 0)
SUSPENDED = Service("acme", 0, None, ((0, None),))
LINES = [  # minimum, debited, services, standing, shortfall
    (50, 20, (ALWAYS,), Standing.DUE, 30),
    (50, 60, (ALWAYS,), Standing.DUE, 0),
    (0, 20, (ALWAYS,), Standing.NO_MINIMUM, 0),
    (50, 0, (SUSPENDED,), Standing.SUSPENDED, 0),
    (50, 0, (), Standing.NOT_IN_SERVICE, 0),
    (50, 0, (Service("bolt", 0),), Standing.NOT_IN_SERVICE, 0),
    (50, 0, (Service("acme", NOVEMBER.from_ms),), Standing.ACTIVATION_MONTH, 0),
    (
        50,
        0,
        (Service("acme", 0, NOVEMBER.from_ms + 5), Service("acme", NOVEMBER.from_ms + 9)),
        Standing.DUE,
        50,
    ),
]


@pytest.mark.parametrize(("minimum", "debited", "services", "standing", "owed"), LINES)
def test_a_line(
    minimum: int, debited: int, services: tuple[Service, ...], standing: Standing, owed: int
) -> None:
    """Due if any stretch of the customer's service is; then it owes what the calls lack."""
    usage = Usage(charged_micros=debited)
    made = line(NOVEMBER, ("4001234567", "acme"), "north", usage, services, minimum)
    assert (made.standing, made.shortfall_micros, made.provider) == (standing, owed, "north")
    assert made.key == ("4001234567", "acme")


def begun(month: BillingMonth, phase: Phase) -> MonthClose:
    return MonthClose(month, phase, "", "clerk", 1)


CLOSABLE = [  # month, now, last begun, first, reason
    (NOVEMBER, NOVEMBER.to_ms - 1, None, None, Reason.MONTH_NOT_OVER),
    (NOVEMBER, NOVEMBER.to_ms, None, None, None),
    (NOVEMBER, NOVEMBER.to_ms, None, NOVEMBER, None),
    (NOVEMBER, NOVEMBER.to_ms, None, DECEMBER, None),
    (NOVEMBER, NOVEMBER.to_ms, None, OCTOBER, Reason.MONTH_OUT_OF_ORDER),
    (NOVEMBER, NOVEMBER.to_ms, begun(OCTOBER, Phase.CLOSED), OCTOBER, None),
    (NOVEMBER, NOVEMBER.to_ms, begun(OCTOBER, Phase.BILLS), None, Reason.MONTH_OUT_OF_ORDER),
    (NOVEMBER, NOVEMBER.to_ms, begun(NOVEMBER, Phase.NUMBERS), OCTOBER, None),
    (OCTOBER, NOVEMBER.to_ms, begun(NOVEMBER, Phase.CLOSED), None, Reason.MONTH_OUT_OF_ORDER),
    (DECEMBER, DECEMBER.to_ms, begun(OCTOBER, Phase.CLOSED), None, Reason.MONTH_OUT_OF_ORDER),
]


@pytest.mark.parametrize(("month", "now_ms", "last", "first", "reason"), CLOSABLE)
def test_what_may_be_closed(
    month: BillingMonth,
    now_ms: int,
    last: MonthClose | None,
    first: BillingMonth | None,
    reason: Reason | None,
) -> None:
    """A month that is over, one after the other, from that of the first call or minimum on."""
    if reason is None:
        closable(month, now_ms, last, first)
        return
    with pytest.raises(Declined) as found:
        closable(month, now_ms, last, first)
    assert found.value.reason is reason


def test_a_report_sums_lines() -> None:
    """By customer, by provider, and all."""
    sums = ReportSums()
    for number in range(4):
        customer, provider = ("acme", "north") if number < 3 else ("bolt", "city")
        key = (f"400000000{number}", customer)
        services = (Service(customer, 0),)
        usage = Usage(calls=number, charged_micros=number)
        sums.add([line(NOVEMBER, key, provider, usage, services, 2)])
    report = MonthReport(NOVEMBER, None, sums.rows())
    assert [(row.customer, row.numbers, row.shortfall_micros) for row in report.rows] == [
        ("bolt", 1, 0),
        ("acme", 3, 3),
    ]
    assert [(row.provider, row.shortfalls) for row in report.by_provider()] == [
        ("city", 0),
        ("north", 2),
    ]
    assert (report.total.numbers, report.total.usage.calls) == (4, 6)


def test_differences() -> None:
    """What is new, what is gone and what has changed."""
    a, b, c, d = (("1", "a"), ("2", "a"), ("3", "a"), ("4", "a"))
    one, two = Usage(calls=1), Usage(calls=2)
    assert differences({a: one, b: one, c: two}, {b: one, c: one, d: one}) == [a, c, d]
    assert differences({a: Usage()}, {}) == []


def test_what_is_due() -> None:
    """Calls, shortfalls, what came late, and plan fees; neither top-ups nor feature fees."""
    line_ = BillLine("4001234567", Usage(charged_micros=20), 50, Standing.DUE, 30)
    late = LateLine("2026-10", "4001234567", Usage(charged_micros=7), -7)
    moved = (
        Movement(1, EntryKind.TOP_UP, 1_000, 0, ""),
        Movement(2, EntryKind.PLAN_FEE, -300, 0, ""),
        Movement(2, EntryKind.PLAN_CREDIT, 300, 60, ""),
    )
    bill = Bill("acme", "A", "north", "2026-11", BillState.OPEN, 3, (line_,), (late,), moved)
    assert (bill.plan_micros, bill.late_micros, bill.due_micros) == (300, 0, 350)
    assert bill.with_running(()).running == ()
