"""Lines of the PBX's own CDR file: the last word on calls that ended while we were away."""

from collections.abc import Sequence
from dataclasses import dataclass

from callserver.domain.call import Arrival, Attempt, CallEnd, EndSource, HungUpBy
from callserver.domain.identity import is_token

RESULT_BY_DISPOSITION = {
    "ANSWERED": "ANSWER",
    "NO ANSWER": "NOANSWER",
    "BUSY": "BUSY",
    "CONGESTION": "CONGESTION",
    "FAILED": "CHANUNAVAIL",
}


@dataclass(frozen=True, slots=True)
class PbxCdrLine:
    """One dial attempt as `cdr_custom` wrote it. Instants in microseconds, 0: did not happen."""

    token: str
    uniqueid: str
    linkedid: str
    did: str
    caller: str
    start_us: int
    answer_us: int
    end_us: int
    billsec: int
    disposition: str
    hangup_cause: int
    channel: str
    destination: str

    @classmethod
    def parse(cls, row: Sequence[str]) -> "PbxCdrLine":
        """A row of the file (see dialplan/README.md). Raises ValueError for anything else."""
        if len(row) != 16:
            raise ValueError(f"a CDR line has 16 columns, not {len(row)}")
        if not is_token(row[0]):
            raise ValueError("the first column is not a token of ours")
        return cls(
            token=row[0],
            uniqueid=row[1],
            linkedid=row[2],
            did=row[3],
            caller=row[4],
            start_us=instant_us(row[5]),
            answer_us=instant_us(row[6]),
            end_us=instant_us(row[7]),
            billsec=int(row[8] or 0),
            disposition=row[10],
            hangup_cause=int(row[11] or 0),
            channel=row[12],
            destination=dialled_digits(row[15]) if row[14] == "Dial" else "",
        )


def instant_us(text: str) -> int:
    """`1700000000.123456` → microseconds, exactly; empty or zero → 0. Raises ValueError."""
    seconds, _, fraction = text.partition(".")
    return int(seconds or 0) * 1_000_000 + int((fraction + "000000")[:6])


def dialled_digits(lastdata: str) -> str:
    """The number in `PJSIP/02188886666@carrier,30,…`; empty if there is none."""
    target = lastdata.split(",", 1)[0].partition("/")[2].partition("@")[0]
    return target if target.lstrip("+").isdigit() else ""


def arrival_of(lines: Sequence[PbxCdrLine], pbx: str) -> Arrival:
    """The call that these lines (of one token, at least one) were attempts of."""
    first = min(lines, key=lambda line: line.start_us)
    return Arrival(
        token=first.token,
        pbx=pbx,
        uniqueid=first.uniqueid,
        linkedid=first.linkedid,
        channel=first.channel,
        did=first.did,
        caller_raw=first.caller,
        arrived_us=first.start_us,
    )


def end_of(lines: Sequence[PbxCdrLine]) -> CallEnd:
    """How that call ended, with the PBX's own instants."""
    ordered = sorted(lines, key=lambda line: (line.start_us, line.end_us))
    last = next((line for line in ordered if line.answer_us), ordered[-1])
    dialled = [line for line in ordered if line.destination]
    return CallEnd(
        ended_us=max(line.end_us for line in ordered),
        answered_us=last.answer_us,
        rang_us=dialled[0].start_us if dialled else 0,
        dial_status=RESULT_BY_DISPOSITION.get(last.disposition, ""),
        hangup_cause=last.hangup_cause,
        hung_up_by=HungUpBy.UNKNOWN,
        source=EndSource.CDR_FILE,
        line=0,
        destination=last.destination,
        attempts=tuple(
            Attempt(
                line=number,
                destination=line.destination,
                result=RESULT_BY_DISPOSITION.get(line.disposition, line.disposition),
                hangup_cause=line.hangup_cause,
                ring_ms=((line.answer_us or line.end_us) - line.start_us) // 1000,
            )
            for number, line in enumerate(dialled, start=1)
        ),
    )
