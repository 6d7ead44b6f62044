"""The AGI scripts `/route`, `/next` and `/hangup`: from Asterisk's words to ours and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

import structlog
from structlog.contextvars import bound_contextvars

from callserver.adapters.agi.session import AgiSession
from callserver.domain.call import Arrival, CallEnd, EndSource
from callserver.domain.pbx_contract import (
    AgiPath,
    BadPbxRequest,
    DialLine,
    HangupArgs,
    NextArgs,
    RouteArgs,
    Script,
    next_reply,
    refusal_reply,
    route_reply,
)
from callserver.domain.refusal import Refusal, hangup_cause
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.admit import Admit, Refused
from callserver.service.hangups import HangupReport, Hangups

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CallScripts:
    """Answers one AGI session each. `prompts` maps a refusal to a sound file's name.

    A request of another form than the contract's is refused as a fault, and nothing of it is used.
    """

    admit: Admit
    hangups: Hangups
    pbxs: frozenset[str]
    on_decided: Callable[[float, Refusal | None], None]
    """Hears of every decision: seconds from the request, and the refusal if it was one."""
    prompts: Mapping[Refusal, str]

    async def __call__(self, session: AgiSession) -> None:
        """The AGI server's handler."""
        try:
            path = AgiPath.parse(session.request.script)
            await self._answer(session, path)
        except BadPbxRequest as error:
            log.warning("agi.bad_request", script=session.request.script[:16], reason=str(error))

    async def _answer(self, session: AgiSession, path: AgiPath) -> None:
        match path.script:
            case Script.ROUTE:
                await self._route(session, path)
            case Script.NEXT:
                await self._next(session)
            case Script.HANGUP:
                await self._hangup(session, path)

    async def _route(self, session: AgiSession, path: AgiPath) -> None:
        args = RouteArgs.parse(session.request.args)
        if args.pbx not in self.pbxs:
            raise BadPbxRequest(f"no [[asterisk]] is named {args.pbx}")
        if not self.admit.catalogue.loaded:
            log.warning("call.left_to_dialplan", reason="no catalogue yet")
            return
        began_s = monotonic()
        arrival = self._arrival(session, path, args.token, args.pbx, args.linkedid, args.arrived_us)
        answer = await self.admit.route(arrival)
        with bound_contextvars(call_id=answer.plan.call_id):
            if isinstance(answer, Refused):
                reply = refusal_reply(
                    answer.refusal,
                    hangup_cause(answer.refusal),
                    self.prompts.get(answer.refusal, ""),
                )
            else:
                lines = [DialLine(line.number, line.trunk, line.ring_s) for line in answer.lines]
                reply = route_reply(lines, answer.line, answer.held_s)
            await session.set_variables(reply)
        refusal = answer.refusal if isinstance(answer, Refused) else None
        self.on_decided(monotonic() - began_s, refusal)

    async def _next(self, session: AgiSession) -> None:
        args = NextArgs.parse(session.request.args)
        try:
            line = await self.admit.next_line(args.token, args.line)
        except (StoreUnavailable, OutcomeUnknown) as error:
            log.warning("call.next_unknown", reason=str(error))
            return  # the dialplan dials on by itself: the caller matters more than the slot
        await session.set_variables(next_reply(line))

    async def _hangup(self, session: AgiSession, path: AgiPath) -> None:
        args = HangupArgs.parse(session.request.args)
        # Only a call unknown to us takes its arrival from here, and such a call has one attempt.
        arrival = self._arrival(session, path, args.token, args.pbx, args.linkedid, args.start_us)
        report = HangupReport(
            arrival, end_of(args), routed=args.routed is True, refusal=args.refusal
        )
        await self.hangups.reported(report)

    @staticmethod
    def _arrival(
        session: AgiSession, path: AgiPath, token: str, pbx: str, linkedid: str, arrived_us: int
    ) -> Arrival:
        headers = session.request.headers
        caller = headers.get("callerid", "")
        return Arrival(
            token=token,
            pbx=pbx,
            uniqueid=path.uniqueid,
            linkedid=linkedid,
            channel=headers.get("channel", ""),
            did=path.did,
            caller_raw="" if caller == "unknown" else caller,
            arrived_us=arrived_us,
        )


def end_of(args: HangupArgs) -> CallEnd:
    """The end of a call as its hangup handler reported it."""
    return CallEnd(
        ended_us=args.end_us,
        answered_us=args.answer_us,
        rang_us=args.rang_us,
        dial_status=args.dial_status,
        hangup_cause=args.hangup_cause,
        hung_up_by=args.who,
        source=EndSource.REPORT,
        line=args.line,
        destination=args.destination,
        attempts=args.tried,
    )
