"""What must be true at the end of every simulated day."""

from collections import Counter
from decimal import Decimal

from callserver.domain.cdr import Cdr
from callserver.ports import CdrQuery
from tests.adapters.redis.meter_store_samples import left_over
from tests.e2e.reference import Hours, Terms
from tests.service import business
from tests.simulation.calls import SimCall
from tests.simulation.simulation import Simulation

MICRO = Decimal(1_000_000)
SECOND = Terms("0.60", 1, 1)
TERMS = {
    business.ACME: SECOND,
    business.POST: SECOND,
    business.LOCAL: SECOND,
    business.QUIET: SECOND,
    business.MINUTE: Terms("0.15", 60, 60),
    business.BUNDLE: Terms("0.15", 6, 6),
    business.NIGHT: Terms(
        "0.60", 1, 1, bands=(Hours("1.20", business.NIGHT_FROM_S, business.NIGHT_TO_S),)
    ),
}


async def faults_of(day: Simulation) -> list[str]:
    """Everything that is wrong; empty after a good day."""
    cdrs = await _cdrs(day)
    wrong = _counted(day, cdrs)
    by_uniqueid = {cdr.uniqueid: cdr for cdr in cdrs}
    for call in day.calls:
        if cdr := by_uniqueid.get(call.arrival.uniqueid):
            wrong += [f"{cdr.uniqueid}: {fault}" for fault in _rated(call, cdr)]
    return wrong + await _balances(day, cdrs) + await _left(day)


async def _cdrs(day: Simulation) -> list[Cdr]:
    found: list[Cdr] = []
    cursor: str | None = None
    while True:
        page = await day.books.cdrs(CdrQuery(customers=None, limit=500, cursor=cursor))
        found += page.cdrs
        cursor = page.next_cursor
        if cursor is None:
            return found


def _counted(day: Simulation, cdrs: list[Cdr]) -> list[str]:
    """One CDR for every call."""
    count = Counter(cdr.uniqueid for cdr in cdrs)
    expected = {call.arrival.uniqueid for call in day.calls}
    wrong = [f"{call}: {count[call]} CDRs" for call in sorted(expected) if count[call] != 1]
    return wrong + [f"{call}: a CDR of no call" for call in sorted(count.keys() - expected)]


def _rated(call: SimCall, cdr: Cdr) -> list[str]:
    """The PBX's own seconds, the book's fee."""
    wrong = []
    if call.lost:
        if cdr.billsec > call.billsec:
            wrong.append(f"estimated at {cdr.billsec} s, beyond its {call.billsec} s")
    elif cdr.billsec != call.billsec:
        wrong.append(f"billed {cdr.billsec} s of {call.billsec} s ({cdr.end_source.value})")
    terms, used = TERMS[call.arrival.did], cdr.included_minutes
    fee = terms.fee(cdr.billsec, call.answered_us, used) if cdr.billsec else Decimal(0)
    if cdr.fee_micros != fee * MICRO:
        wrong.append(f"fee {cdr.fee_micros}, by the book {fee} with {used} minutes")
    if not 0 <= used <= (terms.minutes_needed(cdr.billsec) if cdr.billsec else 0):
        wrong.append(f"{used} minutes for {cdr.billsec} s")
    if cdr.billsec and any("settled at" in line for line in cdr.fee_lines):
        wrong.append(f"the fee does not explain itself: {cdr.fee_lines}")
    if cdr.charged_micros + cdr.written_off_micros != cdr.fee_micros:
        wrong.append("charged and written off are not the fee")
    return wrong


async def _balances(day: Simulation, cdrs: list[Cdr]) -> list[str]:
    """Opening balance less what was charged, in SQL and in Redis; minutes likewise."""
    wrong = []
    sums = await day.books.account_sums()
    for account in (*business.TOP_UPS, "post"):
        mine = [cdr for cdr in cdrs if cdr.account == account]
        expected = (
            business.TOP_UPS.get(account, 0) - sum(cdr.charged_micros for cdr in mine),
            business.MINUTES.get(account, 0) - sum(cdr.included_minutes for cdr in mine),
        )
        total = sums.get(account)
        in_sql = (total.settled_micros, total.minutes) if total else (0, 0)
        balance = await day.store.balance(account, day.clock.us)
        in_redis = (balance.settled_micros, balance.minutes)
        if not expected == in_sql == in_redis:
            wrong.append(f"{account}: expected {expected}, SQL {in_sql}, Redis {in_redis}")
    return wrong


async def _left(day: Simulation) -> list[str]:
    """Nothing held, nothing in hand, nothing waiting."""
    wrong = [f"left in Redis: {left}"] if (left := await left_over(day.link)) else []
    if waiting := await day.link.query("KEYS", "*outbox"):
        wrong.append(f"outboxes: {waiting}")
    process = day.process
    if process is None:
        return [*wrong, "the server is dead"]
    counts = {
        "in hand": len(process.in_hand),
        "unsettled": len(process.in_hand.unsettled()),
        "waiting": process.writer.waiting,
        "spooled": len(process.spool),
        "suspect": len(process.guard.suspects),
    }
    return wrong + [f"{count} {what}" for what, count in counts.items() if count]


def quiet_day_faults(day: Simulation) -> list[str]:
    """On a day without faults nobody is cut who could pay, and nothing is written off."""
    return [
        f"{call.arrival.uniqueid} was cut after {call.billsec} s"
        for call in day.calls
        if call.timed_out
    ]
