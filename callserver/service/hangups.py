"""Step 7, the reports: a call ended, said by the hangup handler, or failing that by AMI."""

import asyncio
from dataclasses import dataclass, field

import structlog

from callserver.domain.call import Arrival, CallEnd, EndSource, HungUpBy
from callserver.domain.refusal import Refusal
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.admit import Admit
from callserver.service.billing_policy import BillingPolicy
from callserver.service.in_hand import CallInHand
from callserver.service.metering import Metering
from callserver.service.settle import Settle

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HangupReport:
    """What the hangup handler's AGI said. `routed` is False for a refused call."""

    arrival: Arrival
    end: CallEnd
    routed: bool
    refusal: Refusal | None


@dataclass(slots=True)
class Hangups:
    """Turns ends of calls into settlements."""

    admit: Admit
    metering: Metering
    settle: Settle
    policy: BillingPolicy
    _waiting: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    async def reported(self, report: HangupReport) -> None:
        """The PBX's own account of the end: the best there is, so it settles at once."""
        arrival = report.arrival
        call = await self._call(report)
        if call is not None and not call.is_of(arrival.pbx, arrival.uniqueid):
            log.warning("call.identity_mismatch", call_id=call.plan.call_id, pbx=arrival.pbx)
            return  # another channel's word: the call's own report, AMI or the reconciler ends it
        timer = self._waiting.pop(arrival.token, None)
        if timer is not None:
            timer.cancel()
        if call is None:
            await self.settle.unrouted_ended(arrival, report.end, report.refusal)
        else:
            await self.settle.ended(arrival.token, call.plan, report.end)

    async def _call(self, report: HangupReport) -> CallInHand | None:
        """The call as it was routed; None for a refused one, or one that nobody routed."""
        arrival = report.arrival
        if report.refusal is not None:
            return self.metering.in_hand.get(arrival.token)
        try:
            return await self.metering.look_up(arrival.token, arrival.did, everywhere=report.routed)
        except (StoreUnavailable, OutcomeUnknown):
            return None  # Redis is away: the plan is made anew from the report itself

    def expects(self, token: str) -> bool:
        """Whether `hung_up` would do anything for this call: it is in hand and not waited for."""
        return token not in self._waiting and self.metering.in_hand.get(token) is not None

    def hung_up(
        self,
        pbx: str,
        token: str,
        uniqueid: str,
        line: int,
        answered_us: int,
        ended_us: int,
        cause: int,
    ) -> None:
        """AMI saw the channel go: settle with its instant if no report comes in time.

        `line` and `answered_us` are what the channel itself said of its answer (0: not answered).
        Instants are the PBX's clock, in microseconds; `cause` is Q.850.
        """
        call = self.metering.in_hand.get(token)
        if token in self._waiting or call is None or not call.is_of(pbx, uniqueid):
            return  # settled already, or waiting already, or left to the reconciler
        if answered_us and not call.billed_from_us:
            # AMI was away at the answer, and Redis when the reconciler looked for it.
            call.noted_answer_us, call.line = answered_us, max(1, line)
        loop = asyncio.get_running_loop()
        self._waiting[token] = loop.call_later(
            self.policy.end_report_wait_ms / 1000,
            self._no_report,
            _AmiHangup(token, ended_us, cause),
        )

    def _no_report(self, seen: "_AmiHangup") -> None:
        self._waiting.pop(seen.token, None)
        task = asyncio.get_running_loop().create_task(
            self._settle_from_ami(seen), name="settle_from_ami"
        )
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _settle_from_ami(self, seen: "_AmiHangup") -> None:
        call = self.metering.in_hand.get(seen.token)
        if call is None:
            return
        log.warning("call.end_not_reported", call_id=call.plan.call_id)
        end = end_seen_by_ami(call, seen.ended_us, seen.cause)
        await self.settle.ended(seen.token, call.plan, end)

    def stop(self) -> None:
        """Forget the timers: the next start finds the calls in Redis."""
        for timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()


@dataclass(frozen=True, slots=True)
class _AmiHangup:
    token: str
    ended_us: int
    cause: int


def end_seen_by_ami(call: CallInHand, ended_us: int, cause: int) -> CallEnd:
    """The end of a call of which only the AMI Hangup event is known."""
    return CallEnd(
        ended_us=ended_us,
        answered_us=call.billed_from_us,
        rang_us=0,
        dial_status="ANSWER" if call.billed_from_us else "CANCEL",
        hangup_cause=cause,
        hung_up_by=HungUpBy.UNKNOWN,
        source=EndSource.AMI_HANGUP,
        line=call.meter.line if call.meter and not call.noted_answer_us else call.line,
    )
