"""Cells: what they may hold, and the reason where they don't."""

from datetime import UTC, datetime

import pytest

from callserver.domain.business import Billing
from callserver.service import import_cells as cells

NOON = 1_796_270_400_000

GOOD = [
    (cells.slug, "acme-tea_1", "acme-tea_1"),
    (cells.name, " 龙井茶庄 ", "龙井茶庄"),
    (cells.did, "4001234567", "4001234567"),
    (cells.destination, "+8657188886666", "+8657188886666"),
    (cells.whole(1, 300), 300, 300),
    (cells.whole(1, 300), "1", 1),
    (cells.money(0, 10**9), "0.15", 150_000),
    (cells.money(0, 10**9), 3, 3_000_000),
    (cells.one_of(1_000, 10_000), "0.01", 10_000),
    (cells.choice(Billing), "postpaid", Billing.POSTPAID),
    (cells.moment, "2026-12-03T12:00:00+08:00", NOON),
    (cells.moment, "2026-12-03T04:00:00.000Z", NOON),
    (cells.moment, "2026-12-03t04:00:00z", NOON),
    (cells.moment, datetime(2026, 12, 3, 4, 0, 0, 7_000, UTC), NOON + 7),
]
BAD = [
    (cells.slug, "Acme", "not an id"),
    (cells.slug, "", "not an id"),
    (cells.slug, 5, "in quotes"),
    (cells.name, "a\nb", "control characters"),
    (cells.name, " ", "1 to 200"),
    (cells.did, "40012345678", "not a 400 number"),
    (cells.did, "４００1234567", "not a 400 number"),
    (cells.did, 4001234567, "in quotes"),
    (cells.destination, "4001234567&PJSIP/9", "can't be dialled"),
    (cells.destination, "12", "can't be dialled"),
    (cells.whole(1, 300), 0, "not between 1 and 300"),
    (cells.whole(1, 300), "301", "not between 1 and 300"),
    (cells.whole(1, 300), "1e2", "not a whole number"),
    (cells.whole(1, 300), datetime(2026, 1, 1, tzinfo=UTC), "not a whole number"),
    (cells.money(0, 10**9), "-1", "not between"),
    (cells.money(0, 10**9), "0.1234567", "not an amount"),
    (cells.money(0, 10**9), "1e3", "not an amount"),
    (cells.money(0, 10**9), datetime(2026, 1, 1, tzinfo=UTC), "not an amount"),
    (cells.one_of(1_000, 10_000), "0.1", "0.1 is not 0.001 or 0.01"),
    (cells.choice(Billing), "free", "not one of prepaid, postpaid"),
    (cells.choice(Billing), 1, "not one of"),
    (cells.moment, "2026-12-03", "needs an offset"),
    (cells.moment, "tomorrow", "not a time"),
    (cells.moment, 5, "not a time"),
]


@pytest.mark.parametrize(("check", "raw", "value"), GOOD)
def test_good_cells(check: cells.Checker, raw: cells.Raw, value: object) -> None:
    """What they become."""
    assert check(raw) == value


@pytest.mark.parametrize(("check", "raw", "reason"), BAD)
def test_bad_cells(check: cells.Checker, raw: cells.Raw, reason: str) -> None:
    """The reason is for people."""
    with pytest.raises(ValueError, match=reason):
        check(raw)
