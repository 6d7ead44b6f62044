"""A quarter of a reseller's business, made up from a seed: what is asked of the office, in order.

Every step has an operation id or is idempotent by itself, so it may be asked for again and again.
"""

import hashlib
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.billing_month import DAY_MS, BillingMonth
from callserver.domain.business import Customer, Did, NumberState, Provider
from callserver.domain.cdr import Cdr
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Adjustment, Transfer
from callserver.domain.lifecycle import NumberEvent, Suspension
from callserver.domain.minimum import MinimumWish
from callserver.domain.number_change import Command
from callserver.domain.periods import Cycle
from callserver.domain.plans import PlanVersion
from callserver.ports.features import ActivationQuery
from callserver.ports.plans import PlanOrder
from callserver.service.office import Office
from tests.adapters.sql.samples import cdr, changes

YUAN = 1_000_000
Ask = Callable[[], Awaitable[object]]
MONTHS = tuple(BillingMonth(2026, month) for month in (9, 10, 11))
DIDS = {"4001000001": "acme", "4001000002": "acme", "4001000003": "bolt"}
PROVIDER_OF = {"acme": "north", "bolt": "city"}
FEATURES = {"recording": Cycle.MONTH, "greeting": Cycle.ONCE}
BUSINESS = changes(
    providers=(
        Provider("north", "北方", commission="15%"),
        Provider("city", "城", "north", commission="10%"),
    ),
    customers=tuple(Customer(name, name, above, "standard") for name, above in PROVIDER_OF.items()),
    dids=tuple(Did(did, owner, NumberState.ACTIVE, ()) for did, owner in DIDS.items()),
    routes={},
)


@dataclass(frozen=True)
class Step:
    """One thing asked for at an instant (UTC milliseconds)."""

    at_ms: int
    name: str
    do: Ask


@dataclass
class Quarter:
    """The office and its books; `steps` gives the same for the same seed."""

    office: Office
    books: SqlBooks

    async def open(self) -> None:
        """The business before the quarter."""
        await self.books.apply_import(BUSINESS, "test")
        for name, cycle in FEATURES.items():
            fee = FeatureVersion(name, name, cycle, 0, date(2026, 1, 1), 10 * YUAN)
            await self.office.features.add(fee, "test")
        gold = PlanVersion("gold", "gold", 0, date(2026, 1, 1), 20 * YUAN, 15 * YUAN, 100)
        await self.office.plans.add(gold, "test")

    def steps(self, seed: int, each_month: int) -> Iterator[Step]:
        """Random operations of three months, and what every month's end brings."""
        chance = random.Random(seed)
        for month in MONTHS:
            moments = sorted(chance.randrange(28 * DAY_MS) for _ in range(each_month))
            for number, offset in enumerate(moments):
                at_ms = month.from_ms + offset
                yield self._any(chance, at_ms, f"{month}-{number}")
            yield from self._end(month)

    def _any(self, chance: random.Random, at_ms: int, name: str) -> Step:
        """Calls twice as often as the rest."""
        makers = [
            self._call, self._call, self._top_up, self._transfer, self._adjust, self._feature,
            self._plan, self._number, self._minimum, self._due,
        ]  # fmt: skip
        kind = chance.choice(makers)
        return Step(at_ms, f"{kind.__name__}:{name}", kind(chance, at_ms, name))

    def _call(self, chance: random.Random, at_ms: int, name: str) -> Ask:
        did = chance.choice(sorted(DIDS))
        customer = DIDS[did]
        micros = chance.randrange(1, 400) * 10_000
        made = _cdr_of(did, customer, micros, chance.choice((0, 0, 0, 2)), at_ms, name)
        return partial(self.books.write_cdrs, [made])

    def _top_up(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        account = chance.choice(["acme", "bolt", "provider:north", "provider:city"])
        micros = chance.randrange(1, 100) * YUAN
        return partial(self.books.post, account, EntryKind.TOP_UP, micros, f"top:{name}", "t", "")

    def _transfer(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        micros = chance.randrange(1, 60) * YUAN
        provider, customer = chance.choice(["north", "city"]), chance.choice(["acme", "bolt"])
        asked = Transfer(provider, customer, micros, f"transfer:{name}", "t", "credit")
        return partial(self.office.ledger.transfer, asked)

    def _adjust(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        micros = chance.choice((-1, 1)) * chance.randrange(1, 30) * YUAN
        asked = Adjustment(chance.choice(["acme", "bolt"]), micros, f"adjust:{name}", "t", "why")
        return partial(self.office.ledger.adjust, asked)

    def _feature(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        did, feature = chance.choice(sorted(DIDS)), chance.choice(sorted(FEATURES))
        if chance.random() < 0.3:
            return partial(self._switch_off, did, f"off:{name}")
        return partial(self.office.features.activate, did, feature, f"on:{name}", "t")

    async def _switch_off(self, did: str, operation_id: str) -> None:
        """The first that is on; ids are not the same on both databases."""
        found = await self.office.features.activations(ActivationQuery(did=did))
        for each in found[:1]:
            await self.office.features.deactivate(each.id, operation_id, "t")

    def _plan(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        customer = chance.choice(["acme", "bolt"])
        if chance.random() < 0.3:
            return partial(
                self.office.plans.cancel,
                customer,
                f"end:{name}",
                "t",
                at_once=chance.random() < 0.5,
            )
        order = PlanOrder(customer, "gold", chance.choice((1, 2)))
        return partial(self.office.plans.subscribe, order, f"plan:{name}", "t")

    def _number(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        event = chance.choice((NumberEvent.SUSPEND, NumberEvent.RESUME))
        did = chance.choice(sorted(DIDS))
        asked = Command(event, did, f"number:{name}", "t", suspension=Suspension.ARREARS)
        return partial(self.office.numbers.act, asked)

    def _minimum(self, chance: random.Random, _at_ms: int, name: str) -> Ask:
        micros = chance.randrange(1, 50) * YUAN
        wish = MinimumWish(chance.choice(sorted(DIDS)), micros, f"min:{name}", confirmed=True)
        return partial(self.office.minimums.set, wish, "t")

    def _due(self, _chance: random.Random, _at_ms: int, _name: str) -> Ask:
        async def do() -> None:
            await self.office.features.renew_due()
            await self.office.plans.run_due()

        return do

    def _end(self, month: BillingMonth) -> Iterator[Step]:
        """The month's close and its commissions, an hour after it."""
        after_ms = month.to_ms + 3_600_000
        yield Step(after_ms, f"close:{month}", partial(self.office.months.close, month, "t"))
        yield Step(after_ms, f"commissions:{month}", partial(self._commissions, month))
        yield Step(after_ms, f"purge:{month}", self.office.retention.purge)

    async def _commissions(self, month: BillingMonth) -> None:
        catalogue = await self.books.load_catalogue()
        await self.office.providers.commissions(catalogue, month, "t", post=True)


def _cdr_of(did: str, customer: str, micros: int, minutes: int, at_ms: int, name: str) -> Cdr:
    token = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()  # the same for a retry
    return cdr(
        token_hash=token, call_id=f"07-{token}", did=did, customer=customer, account=customer,
        provider=PROVIDER_OF[customer], fee_micros=micros, charged_micros=micros, ended_ms=at_ms,
        answered_ms=at_ms - 61_000, included_minutes=minutes, cost_micros=None,
    )  # fmt: skip
