"""What AMI events say of calls: the destination answered, or the caller's channel went."""

import asyncio

import structlog

from callserver.adapters.ami.message import AmiEvent, number
from callserver.domain.identity import is_token
from callserver.ports import OutcomeUnknown, StoreUnavailable
from callserver.service.hangups import Hangups
from callserver.service.metering import Metering

log = structlog.get_logger()

ANSWERS_AT_ONCE_MAX = 1_000
STOP_S = 2.0
TOKEN_LENGTH = 36
_NAMES = frozenset({b"DialEnd", b"BridgeEnter", b"Hangup"})
_TOKEN_HEADER = b"\r\nChanVariable: CS_TOKEN="


def of_a_call(name: bytes, block: bytes) -> bool:
    """A cheap look: whether this may be an event of a caller's channel of ours."""
    if name not in _NAMES:
        return False
    at = block.find(_TOKEN_HEADER)
    return at >= 0 and block[at + len(_TOKEN_HEADER) : at + len(_TOKEN_HEADER) + 1] not in b"\r"


def token_in(block: bytes) -> str:
    """What stands as the channel's CS_TOKEN in an event or a row, unchecked; empty for none."""
    at = block.find(_TOKEN_HEADER)
    if at < 0:
        return ""
    begin = at + len(_TOKEN_HEADER)
    return block[begin : begin + TOKEN_LENGTH].decode("ascii", "replace")


class CallEvents:
    """One PBX's. An event counts only by the secret token in the caller's channel variables."""

    def __init__(self, pbx: str, metering: Metering, hangups: Hangups) -> None:
        self._pbx = pbx
        self._metering = metering
        self._hangups = hangups
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._overflowing = False

    def take(self, event: AmiEvent) -> None:
        """Act on an event; those that do not concern a call of ours do nothing."""
        name = event.name
        if name == "DialEnd":
            if event.fields.get("DialStatus") == "ANSWER":
                self._answered(event)
        elif name == "BridgeEnter":
            self._answered(event)
        elif name == "Hangup":
            self._hung_up(event)

    def is_moot(self, block: bytes) -> bool:
        """Whether `take` would do nothing for this event, read from its bytes.

        A call that was answered brings two or three events which say so, and nearly every hangup
        has been reported by the hangup handler before: not parsing those saves a third of the cost.
        """
        token = token_in(block)
        if not token:
            return False
        if block.startswith(b"Event: Hangup\r\n"):
            return not self._hangups.expects(token)
        call = self._metering.in_hand.get(token)
        return token in self._answering or (call is not None and call.answered_us != 0)

    async def stop(self) -> None:
        """Let answers in hand be noted, for STOP_S at most."""
        tasks = set(self._answering.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=STOP_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _answered(self, event: AmiEvent) -> None:
        token = self._token(event)
        if not token or token in self._answering:
            return
        call = self._metering.in_hand.get(token)
        if call is not None and call.answered_us:
            return
        at_us = self._instant_us(event)
        if not at_us or self._too_many():
            return
        variables = event.chan_vars
        task = asyncio.get_running_loop().create_task(
            self._answer(
                token,
                variables.get("CS_DID", ""),
                event.fields.get("Uniqueid", ""),
                number(variables.get("CS_LINE", ""), 3),
                at_us,
            ),
            name="ami_answered",
        )
        self._answering[token] = task
        task.add_done_callback(lambda _: self._answering.pop(token, None))

    async def _answer(self, token: str, did: str, uniqueid: str, line: int, at_us: int) -> None:
        try:
            await self._metering.answered(self._pbx, token, did, uniqueid, line, at_us)
        except (StoreUnavailable, OutcomeUnknown) as error:
            # The reconciler starts the meter: the channel list carries CS_ANSWERED.
            log.warning("ami.answer_waits", pbx=self._pbx, reason=str(error))
        except Exception:  # nobody awaits this task; the reconciler tries again
            log.exception("ami.answer_fault", pbx=self._pbx)

    def _hung_up(self, event: AmiEvent) -> None:
        token, uniqueid = self._token(event), event.fields.get("Uniqueid", "")
        if not token or not uniqueid:
            return
        ended_us = self._instant_us(event)
        if not ended_us:
            return
        self._hangups.hung_up(
            self._pbx,
            token,
            uniqueid,
            number(event.chan_vars.get("CS_LINE", ""), 3),
            number(event.chan_vars.get("CS_ANSWERED", "")) * 1000,
            ended_us,
            number(event.fields.get("Cause", ""), 3),
        )

    def _token(self, event: AmiEvent) -> str:
        """The token of the event's own channel, if it is a caller of ours on this PBX."""
        variables = event.chan_vars
        token = variables.get("CS_TOKEN", "")
        if not token or not is_token(token):
            return ""
        if variables.get("CS_PBX") != self._pbx:
            log.warning("ami.other_pbx", pbx=self._pbx)  # CS_PBX in the dialplan is wrong
            return ""
        return token

    def _instant_us(self, event: AmiEvent) -> int:
        at_us = event.timestamp_us
        if not at_us:
            log.error("ami.no_timestamp", pbx=self._pbx, hint="set timestampevents = yes")
        return at_us

    def _too_many(self) -> bool:
        """Over the bound nothing is begun: the reconciler finds the answered calls."""
        over = len(self._answering) >= ANSWERS_AT_ONCE_MAX
        if over and not self._overflowing:
            log.error("ami.overflow", pbx=self._pbx, answers=len(self._answering))
        self._overflowing = over
        return over
