"""A FastAGI server whose answers a test writes: it plays callserver for the dialplan alone."""

import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType


@dataclass(slots=True)
class AgiRequest:
    """One AGI session: the script, its header block and its positional arguments."""

    script: str
    headers: list[tuple[str, str]]
    raw: bytes
    arrived_s: float = field(default_factory=time.monotonic)

    @property
    def args(self) -> list[str]:
        """agi_arg_1, agi_arg_2, … in order."""
        found = {k: v for k, v in self.headers if k.startswith("agi_arg_")}
        return [found[f"agi_arg_{n}"] for n in range(1, len(found) + 1)]

    def header(self, name: str) -> str:
        """The one value of a header; fails if it came twice or never."""
        (value,) = [v for k, v in self.headers if k == name]
        return value


Answer = Callable[[AgiRequest], Mapping[str, str] | None]


class ScriptedAgi:
    """Answers each script with the variables that `answers[script](request)` returns.

    None as an answer drops the connection without a word; a missing script sets nothing.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        """Listen on a free port of 127.0.0.1 from now on."""
        self.answers = dict(answers or {})
        self.requests: list[AgiRequest] = []
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return "127.0.0.1", self._server.server_address[1]

    def record(self, request: AgiRequest) -> None:
        """Keep a request and wake whoever waits for it."""
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()

    def of(self, script: str) -> list[AgiRequest]:
        """Requests so far for one script."""
        return [r for r in self.requests if r.script == script]

    def wait_for(self, script: str, count: int = 1, timeout_s: float = 15) -> list[AgiRequest]:
        """Block until count requests for a script have come."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.of(script)) >= count, timeout_s)
        assert came, f"{len(self.of(script))} of {count} {script} requests within {timeout_s} s"
        return self.of(script)

    def close(self) -> None:
        """Stop listening, so that connections are refused; the second time nothing."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "ScriptedAgi":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    owner: ScriptedAgi


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        raw = b""
        while not raw.endswith(b"\n\n"):
            line = self.rfile.readline()
            if not line:
                return
            raw += line
        pairs = [line.partition(": ") for line in raw.decode(errors="replace").splitlines()]
        headers = [(name, value) for name, _, value in pairs if name]
        path = dict(headers)["agi_network_script"]
        request = AgiRequest(path.split("/")[0], headers, raw)
        owner = self.server.owner
        decide = owner.answers.get(request.script)
        answer = decide(request) if decide else None
        if answer:
            sets = ",".join(f"{name}={value}" for name, value in answer.items())
            self.wfile.write(f'EXEC MSet "{sets}"\n'.encode())
            self.rfile.readline()
        owner.record(request)
