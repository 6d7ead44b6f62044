"""One process' services over shared stores: built, thrown away, and built again."""

from dataclasses import dataclass, field
from pathlib import Path

from callserver.adapters.ami.cdr_file import CdrFile
from callserver.adapters.spool import SpoolFile
from callserver.domain.call import CallEnd, Plan
from callserver.domain.meter import Settled
from callserver.ports import Books, MeterStore, Pbx
from callserver.service.accounts import Accounts
from callserver.service.admit import Admit
from callserver.service.billing_policy import BillingPolicy
from callserver.service.catalogue import CurrentCatalogue
from callserver.service.cdr_writer import CdrWriter
from callserver.service.clocks import PbxClocks
from callserver.service.hangups import Hangups
from callserver.service.in_hand import CallsInHand
from callserver.service.metering import Metering
from callserver.service.reconcile import Reconciler
from callserver.service.settle import Settle
from callserver.service.shards import ShardGuard, ShardRebuilder
from callserver.start_files import load_regions
from tests.fakes.clock import VirtualClock
from tests.fakes.pbx import FakePbx
from tests.service import business

KEY = b"k" * 32
REGIONS = load_regions()


@dataclass
class Process:
    """What a running server consists of. Nothing runs by itself: tests turn each wheel."""

    catalogue: CurrentCatalogue
    guard: ShardGuard
    in_hand: CallsInHand
    writer: CdrWriter
    accounts: Accounts
    spool: SpoolFile
    admit: Admit
    settle: Settle
    metering: Metering
    hangups: Hangups
    reconciler: Reconciler
    rebuilder: ShardRebuilder
    settled: list[tuple[Plan, CallEnd, Settled]] = field(default_factory=list)

    def close(self) -> None:
        """Gone, without a word: what it had in memory is lost."""
        self.hangups.stop()
        self.spool.close()

    async def write_cdrs(self) -> None:
        """One turn of the writer and of the sweeper."""
        async with self.writer.resting():
            await self.writer.flush()
            await self.writer.drain(range(64))


def build(
    *,
    books: Books,
    meters: MeterStore,
    clock: VirtualClock,
    pbx: FakePbx,
    folder: Path,
    policy: BillingPolicy,
) -> Process:
    """A fresh process; `folder` has its spool and the PBX's CDR file."""
    catalogue = CurrentCatalogue(books, _nothing, lambda _reason: None)
    catalogue.now = business.catalogue()
    guard, in_hand, clocks = ShardGuard(), CallsInHand(), PbxClocks()
    writer = CdrWriter(books, meters, clock)
    accounts = Accounts(books, meters, clock, shards=guard)
    spool = SpoolFile(folder / "ended_calls.spool")
    settled: list[tuple[Plan, CallEnd, Settled]] = []
    admit = Admit(
        catalogue=catalogue,
        meters=meters,
        accounts=accounts,
        shards=guard,
        in_hand=in_hand,
        clock=clock,
        clocks=clocks,
        policy=policy,
        regions=REGIONS,
        call_id_key=KEY,
        area_codes={},
    )
    settle = Settle(
        meters=meters,
        accounts=accounts,
        shards=guard,
        in_hand=in_hand,
        writer=writer,
        keeper=spool,
        on_settled=lambda plan, end, fixed: settled.append((plan, end, fixed)),
        plan_of_unrouted=admit.plan_of_unrouted,
    )
    pbxs: dict[str, Pbx] = {pbx.name: pbx}
    metering = Metering(meters, catalogue, in_hand, pbxs, clock, clocks, policy)
    reconciler = Reconciler(
        pbx=pbx,
        file=CdrFile(folder / "callserver.csv", folder / "cdr_file.json", pbx.name),
        books=books,
        meters=meters,
        admit=admit,
        metering=metering,
        settle=settle,
        in_hand=in_hand,
        clock=clock,
        clocks=clocks,
        policy=policy,
    )
    return Process(
        catalogue=catalogue,
        guard=guard,
        in_hand=in_hand,
        writer=writer,
        accounts=accounts,
        spool=spool,
        admit=admit,
        settle=settle,
        metering=metering,
        hangups=Hangups(admit, metering, settle, policy),
        reconciler=reconciler,
        rebuilder=ShardRebuilder(books, meters, writer, in_hand, guard, clock, [pbx.name]),
        settled=settled,
    )


async def _nothing() -> None:
    """The schema is there."""
