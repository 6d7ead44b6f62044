"""The runnable blocks of a document: `<!-- run -->` in the line before a console block.

In a block, `$ ` begins a command and what follows is its output; a line of `…` stands for any
lines, `…` within a line for any text. `<!-- run: status 78 -->` is a block whose last command ends
so. Blocks of a document share a shell and a folder that has the checkout's config/ and dialplan/.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from callserver.demo.asterisk.free_ports import free_tcp_port

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^<!-- run(?:: status (\d+))? -->\n```console\n(.*?)^```$", re.M | re.S)
PORT_WRITTEN = "8400"
UP_S = 60
AGAIN_S = 20
END = "~~ended~~"


@dataclass(frozen=True)
class Step:
    """One command, what it should print, and its exit status."""

    command: str
    expected: str
    status: int


def steps(markdown: str) -> list[Step]:
    """The commands of all runnable blocks, in order."""
    found = []
    for status, body in BLOCK.findall(markdown):
        parts = re.split(r"^\$ ", body, flags=re.M)
        assert not parts[0].strip(), (
            f"a runnable block begins with {parts[0]!r}, not with a command"
        )
        for number, part in enumerate(parts[1:], 2):
            command, _, expected = part.partition("\n")
            last = number == len(parts)
            found.append(Step(command, expected, int(status or 0) if last else 0))
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether the output is the expected one; `…` stands for anything."""
    pattern = ""
    for line in expected.splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*?".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
    lines = [line.rstrip() + "\n" for line in printed.splitlines()]
    return re.fullmatch(pattern, "".join(lines)) is not None


class Shell:
    """A bash that keeps its variables from command to command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_tcp_port())
        for name in ("config", "dialplan"):
            (folder / name).symlink_to(ROOT / name)
        own = {name: value for name, value in os.environ.items() if "CALLSERVER" not in name}
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=own
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "CALLSERVER_SERVER__FASTAGI": "127.0.0.1:0",
                "CALLSERVER_SERVER__HTTP": f"127.0.0.1:{self.port}",
                "COLUMNS": "100",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def check(self, step: Step) -> None:
        """Run one step; fails where it prints something else or ends otherwise."""
        deadline = time.monotonic() + (AGAIN_S if step.command.startswith("curl ") else 0)
        while True:
            status, printed = self._run(self._here(step.command))
            if matches(self._here(step.expected), printed):
                break
            # A curl asks about calls that come and go meanwhile: it may be too early.
            assert time.monotonic() < deadline, f"$ {step.command}\n{printed}"
            time.sleep(0.5)
        assert status == step.status, f"$ {step.command}\nended with {status}"
        if step.command.endswith(" &"):
            self._until_up()

    def end(self) -> None:
        """End what runs in the background, and the shell."""
        self._run("kill $(jobs -p) 2>/dev/null; wait")
        self._bash.communicate("exit\n")

    def _here(self, text: str) -> str:
        """The text with this run's port; make without setting up anew what the suite runs on."""
        text = text.replace(f":{PORT_WRITTEN}", f":{self.port}")
        text = text.replace(f"-p {PORT_WRITTEN}", f"-p {self.port}")
        text = re.sub(r" &$", " >>background.log 2>&1 &", text)
        return re.sub(r"^make\b", f"make --no-print-directory -C {ROOT} -o .venv/.runtime", text)

    def _run(self, command: str) -> tuple[int, str]:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\nprintf '\\n%s %d\\n' '{END}' $?\n")
        self._bash.stdin.flush()
        printed = []
        for line in self._bash.stdout:
            if line.startswith(END):
                text = "".join(printed).removesuffix("\n")
                return int(line.split()[1]), text
            printed.append(line)
        raise AssertionError(f"the shell ended: {''.join(printed)}")

    def _until_up(self) -> None:
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.port))) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "background.log").read_text(encoding="utf-8"))


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """A shell that leaves nothing running."""
    opened = Shell(folder)
    try:
        yield opened
    finally:
        opened.end()
