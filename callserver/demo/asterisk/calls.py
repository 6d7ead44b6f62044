"""SIPp as the carrier: calls to 400 numbers, with a result per call."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from callserver.demo.asterisk.free_ports import free_udp_port
from callserver.demo.asterisk.sipp_process import Sipp, SippLine

_NEVER_MS = 3_600_000
_FINAL_ERRORS = (
    *(400, 401, 403, 404, 408, 410, 415, 420, 480, 481, 482, 483, 484, 485, 486, 487, 488, 491),
    *(500, 501, 502, 503, 504, 580, 600, 603, 604, 606),
)
_REFUSAL = """\
<recv response="{code}" optional="true" next="refused" timeout="@WAIT_MS@" ontimeout="give_up">
    <action>
      <ereg regexp="cause=([0-9]+)" search_in="hdr" header="Reason:" assign_to="1,2"/>
      <log message="[call_number];refused;[clock_tick];{code};[$2];"/>
    </action>
  </recv>
"""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What the carrier saw of one call."""

    call: int  # 1, 2, … in the order of the callers
    outcome: str  # answered | refused | cancelled | lost
    code: int  # final SIP status; 0 when none came
    cause: int | None  # Q.850 cause in a Reason header of the refusal or of the far end's BYE
    ended_by: str  # caller | callee | nobody
    early_media: bool  # a 183 came before the end
    talk_ms: int  # answer → hang-up as the carrier saw it; 0 when not answered


class CarrierCalls:
    """A batch of calls from the carrier to the PBX at 127.0.0.1:sip_port.

    start() returns at once and wait() gives the results; a context manager kills what is left.
    """

    def __init__(
        self,
        sip_port: int,
        did: str,
        *,
        callers: Sequence[str] = ("13800138000",),
        count: int | None = None,
        rate: float = 10.0,
        talk_ms: int | None = 1000,
        give_up_ms: int = 120_000,
        from_header: str | None = None,
        headers: str = "",
        work_dir: Path | None = None,
    ) -> None:
        """Plan count calls (default: one a caller) to did, rate a second.

        talk_ms: the caller hangs up that long after the answer; None waits for the far end.
        give_up_ms: the caller cancels when this passes without an answer or new ringing.
        from_header: a raw From header without its tag, for all calls, instead of callers.
        """
        self.count = count if count is not None else len(callers)
        values = {
            "REFUSALS": "".join(_REFUSAL.format(code=code) for code in _FINAL_ERRORS),
            "TALK_MS": str(_NEVER_MS if talk_ms is None else max(1, talk_ms)),
            "WAIT_MS": str(max(1, give_up_ms)),
            "HEADERS": "".join(f"\n    {line}" for line in headers.splitlines()),
        }
        self._sipp = Sipp("carrier", values, work_dir)
        if from_header is not None:
            self._replace_from(from_header)
        rows = "".join(f"<sip:{caller}@127.0.0.1>;{did};\n" for caller in callers)
        (self._sipp.folder / "callers.csv").write_text("SEQUENTIAL\n" + rows)
        self._target = f"127.0.0.1:{sip_port}"
        self._rate = rate

    def _replace_from(self, from_header: str) -> None:
        scenario = self._sipp.folder / "scenario.xml"
        scenario.write_text(scenario.read_text().replace("[field0]", from_header))

    def start(self) -> "CarrierCalls":
        """Begin to call; returns self."""
        # SIPp takes whole calls a period: a rate below one a second needs a longer period.
        period_ms = 1000 if self._rate >= 1 else round(1000 / self._rate)
        self._sipp.run(
            *("-p", str(free_udp_port()), "-inf", str(self._sipp.folder / "callers.csv")),
            *("-m", str(self.count), "-l", str(self.count), "-nd"),
            *("-r", str(max(1, round(self._rate))), "-rp", str(period_ms)),
            self._target,
        )
        return self

    def lines(self) -> list[SippLine]:
        """What the calls did so far."""
        return self._sipp.lines()

    def wait(self, timeout_s: float = 60.0) -> list[CallResult]:
        """Wait for the last call and return a result per call. TimeoutError after timeout_s."""
        self._sipp.wait(timeout_s)
        return self.results()

    def results(self) -> list[CallResult]:
        """The results so far; a call that has no final state yet, or never got one, is lost."""
        by_call: dict[int, dict[str, SippLine]] = {n: {} for n in range(1, self.count + 1)}
        for line in self.lines():
            by_call.setdefault(line.call, {})[line.event] = line
        return [_result(call, events) for call, events in sorted(by_call.items())]

    def errors(self) -> str:
        """What SIPp found wrong, for a person."""
        return self._sipp.errors()

    def close(self) -> None:
        """Kill SIPp; the PBX is left with what was not hung up."""
        self._sipp.close()

    def __enter__(self) -> "CarrierCalls":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _result(call: int, events: dict[str, SippLine]) -> CallResult:
    answered = events.get("answered")
    refused = events.get("refused")
    by_caller, by_callee = events.get("ended_by_caller"), events.get("ended_by_callee")
    end = by_callee or by_caller
    last = refused or by_callee
    final = answered or refused or events.get("cancelled")
    return CallResult(
        call=call,
        outcome=final.event if final else "lost",
        code=final.code if final else 0,
        cause=int(last.cause) if last and last.cause else None,
        ended_by="callee" if by_callee else "caller" if by_caller else "nobody",
        early_media="progress" in events,
        talk_ms=end.at_ms - answered.at_ms if end and answered else 0,
    )
