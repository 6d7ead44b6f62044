"""callserver under a sampler: `python -m tests.bench.profiled FILE serve …`.

From SIGUSR2 on, a CPU timer (the kernel's tick, mostly 4 ms) interrupts the main thread and the
functions on its stack are counted: once each for `total`, the innermost for `own`. Cheap enough not
to distort what it shows. Time inside C counts for the Python function that called it, other
threads' for whatever the main thread happened to run. FILE gets JSON at the end.
"""

import atexit
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

from callserver.__main__ import main as callserver

EVERY_S = 0.002


class Sampler:
    """Counts where the main thread is."""

    def __init__(self) -> None:
        self.samples = 0
        self.own: Counter[CodeType] = Counter()
        self.total: Counter[CodeType] = Counter()
        self.lines: Counter[tuple[CodeType, int]] = Counter()

    def start(self) -> None:
        """From now on."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.samples += 1
        self.own[frame.f_code] += 1
        self.lines[frame.f_code, frame.f_lineno] += 1
        seen = set()
        while frame is not None:
            seen.add(frame.f_code)
            frame = frame.f_back
        self.total.update(seen)

    def write(self, file: Path) -> None:
        """Save what was counted."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_text(
            json.dumps(
                {
                    "samples": self.samples,
                    "own": [[_name(code), count] for code, count in self.own.most_common(80)],
                    "total": [[_name(code), count] for code, count in self.total.most_common(150)],
                    "lines": [
                        [f"{_name(code)}:{line}", count]
                        for (code, line), count in self.lines.most_common(80)
                    ],
                }
            )
        )


def _name(code: CodeType) -> str:
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_qualname}"


def main() -> None:
    """Run callserver's command line under the sampler."""
    file = Path(sys.argv.pop(1))
    sampler = Sampler()
    atexit.register(sampler.write, file)
    signal.signal(signal.SIGUSR2, lambda *_: sampler.start())
    callserver()


if __name__ == "__main__":
    main()
