"""The list of tried lines that the dialplan keeps in `CS_TRIED`."""

import re
from collections.abc import Sequence
from dataclasses import replace

from callserver.domain.call import Attempt, Line

ATTEMPTS_MAX = 20
_PART = re.compile(r"(\d{1,2}):([A-Z]{1,16}):(\d{0,3}):(\d{0,9})", re.ASCII)


def parse_tried(text: str) -> tuple[Attempt, ...]:
    """Attempts of `1:BUSY:17:312;2:ANSWER:16:1503`: line, DIALSTATUS, cause, ms of ringing.

    Parts of another form are dropped, at most 20 are read; an empty cause or time counts as 0.
    The number dialled is not in the text: see `with_destinations`.
    """
    found: list[Attempt] = []
    for part in text.split(";", ATTEMPTS_MAX)[:ATTEMPTS_MAX]:
        match = _PART.fullmatch(part)
        if match:
            line, result, cause, ring_ms = match.groups()
            found.append(Attempt(int(line), "", result, int(cause or 0), int(ring_ms or 0)))
    return tuple(found)


def with_destinations(attempts: Sequence[Attempt], lines: Sequence[Line]) -> tuple[Attempt, ...]:
    """The attempts with the numbers dialled, where their line was in the plan."""
    return tuple(
        replace(attempt, destination=lines[attempt.line - 1].number)
        if not attempt.destination and 1 <= attempt.line <= len(lines)
        else attempt
        for attempt in attempts
    )
