"""What must be true after every scenario, whatever happened in it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.world import INSTANTS_AGREE_MS, Row, World

LEFT_EMPTY = ("calls:", "did:", "line:", "due:", "outbox")


def everything(world: World, rows: list[Row]) -> None:
    """CDRs against Asterisk's lines, fees against the book, balances, and an empty Redis."""
    for row in rows:
        times_agree(row)
        fee_is_by_the_book(world, row)
    balances_add_up(world, rows)
    redis_is_empty(world)


def times_agree(row: Row) -> None:
    """billsec is Asterisk's own, and the instants agree within 20 ms."""
    line = row.answered
    billsec = max(1, line.billsec) if line else 0
    print(f"billsec: expected {billsec}, got {row.cdr['billsec']} ({row.cdr['disposition']})")
    assert row.cdr["billsec"] == billsec
    if not row.lines:
        return
    pairs = [("arrived_at", min(each.start_us for each in row.lines))]
    pairs.append(("ended_at", max(each.end_us for each in row.lines)))
    if line:
        pairs.append(("answered_at", line.answer_us))
    for name, expected_us in pairs:
        got_us = instant_us(row.cdr[name])
        assert abs(got_us - expected_us) <= INSTANTS_AGREE_MS * 1000, (
            f"{name}: expected {expected_us}, got {got_us}"
        )


def fee_is_by_the_book(world: World, row: Row) -> None:
    """The fee equals the reference's, from Asterisk's line alone."""
    party = world.parties.get(row.cdr["did"])
    line = row.answered
    minutes = row.cdr["included_minutes"]
    expected = Decimal(0)
    if party and line:
        expected = party.terms.fee(max(1, line.billsec), line.answer_us, minutes)
        assert minutes <= party.terms.minutes_needed(max(1, line.billsec))
    got = amount(row.cdr["fee"])
    print(f"fee: expected {expected}, got {got} {row.cdr['fee_lines']}")
    assert got == expected
    assert amount(row.cdr["charged"]) + amount(row.cdr["written_off"]) == got


def balances_add_up(world: World, rows: list[Row]) -> None:
    """Opening balance less what the CDRs charged is what the API shows, with nothing held."""
    for party in world.parties.values():
        charged = sum(
            (amount(row.cdr["charged"]) for row in rows if row.cdr["customer"] == party.customer),
            Decimal(0),
        )
        used = sum(
            row.cdr["included_minutes"] for row in rows if row.cdr["customer"] == party.customer
        )
        expected = opening(world, party) - charged
        balance = world.get(f"/v1/accounts/{party.customer}/balance")
        got, held = amount(balance["settled"]), amount(balance["held"])
        print(f"balance of {party.customer}: expected {expected}, got {got}, held {held}")
        assert (got, held) == (expected, Decimal(0))
        minutes = balance["included_minutes"], balance["included_minutes_held"]
        assert minutes == (party.minutes - used, 0)


def opening(world: World, party: Party) -> Decimal:
    """What was put into the party's account, top-ups during the scenario included."""
    return Decimal(party.balance) + world.topped_up.get(party.customer, Decimal(0))


def redis_is_empty(world: World) -> None:
    """A direct read of Redis finds no hold, slot, counter or open meter."""
    eventually(lambda: not _left(world), f"Redis is left empty, not {_left(world)}")


def _left(world: World) -> list[str]:
    left: list[str] = []
    for raw in world.server.redis("KEYS", "*"):
        key = raw.decode()
        name = key.partition("}:")[2]
        if name.startswith("acct:"):
            for field in ("held", "minutes_held"):
                held = world.server.redis("HGET", key, field)
                left += [f"{key} {field} {held!r}"] if int(held or 0) else []
        elif name.startswith("meter:"):
            state = world.server.redis("HGET", key, "state")
            left += [f"{key[:12]}… is {state!r}"] if state != b"closed" else []
        elif name.startswith(LEFT_EMPTY):
            left.append(key[:24])
    return left


def amount(money: dict[str, Any]) -> Decimal:
    """Yuan."""
    return Decimal(money["amount"])


def instant_us(text: str) -> int:
    """An RFC 3339 instant as epoch microseconds."""
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
