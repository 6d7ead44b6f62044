"""The measurements, each on its own server with fresh books; counts are checked against SQL."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callserver.start_files import load_call_id_key
from tests.bench.books import DIDS, fill
from tests.bench.processes import (
    BenchFailed,
    Books,
    Helper,
    Server,
    cpu_s,
    percentile,
    run_helper,
    wait_cdrs,
)
from tests.bench.profile import show

SETTLED_S = 25.0  # channel lists come every 10 s; the first that has a call renews its time-out
SUSTAINED = 0.6  # of the closed loop's rate
WATCH_EVERY = 40  # of how many calls one CDR is looked for: asking costs more than the call
SCRIPTS_PER_CALL = 4  # admit, answer, settle, and its share of acknowledge and polls


@dataclass
class Size:
    """How much is measured."""

    rounds: int
    round_s: float
    open_s: float
    reads_s: float
    live: int
    idle_s: float
    full: bool
    per_s: int = 500
    in_flight: int = 200


QUICK = Size(rounds=2, round_s=3.5, open_s=4.0, reads_s=2.0, live=2_000, idle_s=0.0, full=False)
FULL = Size(rounds=5, round_s=8.0, open_s=20.0, reads_s=8.0, live=10_000, idle_s=20.0, full=True)


@dataclass
class Bed:
    """A server under load."""

    server: Server
    load: Helper
    ready_s: float
    expected_cdrs: int = 0
    expected_fees: int = 0

    def ran(self, figures: dict[str, Any], *, ended: bool = True) -> dict[str, Any]:
        """Take the figures of a run that must have gone through whole."""
        if figures["faults"] or figures["routed"] != figures["begun"]:
            raise BenchFailed(f"calls failed: {_short(figures)}; {self.server.last_words()}")
        if ended and figures["ended"] != figures["begun"]:
            raise BenchFailed(f"calls did not end: {_short(figures)}")
        self.expected_cdrs += figures["ended"]
        self.expected_fees += figures["fees_micros"]
        return figures

    def check(self) -> None:
        """CDRs = lifecycles, and ledger = fees = what the load reckoned."""
        wait_cdrs(self.server.data, self.expected_cdrs)
        books = Books.read(self.server.data)
        wanted = Books(self.expected_cdrs, self.expected_fees, -self.expected_fees)
        if books != wanted:
            raise BenchFailed(f"SQL has {books} instead of {wanted}")


@dataclass(frozen=True)
class Round:
    """Lifecycles per second; CPU milliseconds of each in three processes; scripts run for each."""

    per_s: float
    cpu_ms: float
    valkey_ms: float
    load_ms: float
    scripts: float


@dataclass
class Lab:
    """Makes beds in one folder and collects figures."""

    folder: Path
    size: Size
    profile: Path | None = None
    figures: dict[str, float] = field(default_factory=dict)
    series: dict[str, list[float]] = field(default_factory=dict)
    """What the plots show: sorted milliseconds, and pairs of rounds."""
    _beds: int = 0

    def bed(self, dids: int = DIDS, profile: Path | None = None) -> "_OpenBed":
        """A fresh one, as a context."""
        self._beds += 1
        return _OpenBed(self.folder / f"data{self._beds}", dids, profile)

    def lifecycles(self) -> None:
        """Rounds in pairs, the floor and then the server; then reads and latencies."""
        size = self.size
        floors: list[Round] = []
        rounds: list[Round] = []
        with self.bed() as bed, _OpenFloor(self.folder / "floor") as (floor, floor_load):
            bed.ran(bed.load.do("closed", calls=300, in_flight=50))
            floor_load.do("closed", calls=300, in_flight=50)
            for _ in range(size.rounds):
                floors.append(self._floor_round(floor, floor_load))
                rounds.append(self._server_round(bed))
            bed.check()
            self.reads(bed)
            self.figures["lifecycles_per_s"] = _middle([each.per_s for each in rounds])
            self.latency(bed)
        pairs = list(zip(rounds, floors, strict=True))
        self.series["rounds"] = [each.per_s for each in rounds]
        self.series["floor_rounds"] = [each.per_s for each in floors]
        self.figures |= {
            "cpu_ms_per_call": _middle([each.cpu_ms for each in rounds]),
            "floor_lifecycles_per_s": _middle([each.per_s for each in floors]),
            "floor_cpu_ms_per_call": _middle([each.cpu_ms for each in floors]),
            "ratio_to_floor": _middle([one.per_s / other.per_s for one, other in pairs]),
            "cpu_ratio_to_floor": _middle([one.cpu_ms / other.cpu_ms for one, other in pairs]),
            "valkey_cpu_ms_per_call": _middle([each.valkey_ms for each in rounds]),
            "load_cpu_ms_per_call": _middle([each.load_ms for each in rounds]),
            "scripts_per_call": _middle([each.scripts for each in rounds]),
        }

    def _closed(self, load: Helper) -> dict[str, Any]:
        size = self.size
        return load.do("closed", calls=10**6, in_flight=size.in_flight, seconds=size.round_s)

    def _floor_round(self, floor: Helper, load: Helper) -> "Round":
        before = cpu_s(floor.pid)
        figures = self._closed(load)
        if figures["faults"]:
            raise BenchFailed(f"the floor failed: {_short(figures)}")
        each_ms = 1000 / figures["begun"]
        per_s = figures["begun"] / figures["seconds"]
        return Round(per_s, (cpu_s(floor.pid) - before) * each_ms, 0.0, 0.0, 0.0)

    def _server_round(self, bed: Bed) -> "Round":
        """The round ends when SQL has the last CDR."""
        server = bed.server
        scripts, before, began = server.scripts_run(), server.used(), time.perf_counter()
        figures = bed.ran(self._closed(bed.load))
        wait_cdrs(server.data, bed.expected_cdrs)
        seconds = time.perf_counter() - began
        used = server.used().since(before)
        calls, each_ms = figures["begun"], 1000 / figures["begun"]
        scripts_per_call = (server.scripts_run() - scripts) / calls
        if scripts_per_call < 3:  # admit, answer, settle: a call that was cut short counts for less
            raise BenchFailed(f"{scripts_per_call:.2f} scripts per call")
        load_ms = figures["load_cpu_s"] * each_ms
        return Round(
            calls / seconds,
            used.server_s * each_ms,
            used.valkey_s * each_ms,
            load_ms,
            scripts_per_call,
        )

    def reads(self, bed: Bed) -> None:
        """Balance reads on a few kept connections."""
        settings = {"http": bed.server.http_port, "token": bed.server.token}
        found = run_helper(
            "tests.bench.reads", {**settings, "seconds": self.size.reads_s, "links": 8}
        )
        if found["bad"]:
            raise BenchFailed(f"{found['bad']} balance reads failed")
        self.figures |= {
            "balance_reads_per_s": found["per_s"],
            "balance_read_p99_ms": found["p99_ms"],
        }

    def latency(self, bed: Bed) -> None:
        """Open loop: decisions and CDRs at 500 calls a second.

        Fewer where that is more than this machine can sustain now: of a queue that only grows
        nothing could be learned but its length.
        """
        per_s = min(self.size.per_s, SUSTAINED * self.figures["lifecycles_per_s"])
        calls = int(per_s * self.size.open_s)
        before = bed.server.used()
        figures = bed.ran(bed.load.do("open", calls=calls, per_s=per_s, watch_every=WATCH_EVERY))
        used = bed.server.used().since(before)
        bed.check()
        decisions, visible = figures["decision_ms"], figures["visible_ms"]
        self.series["decision_ms"], self.series["visible_ms"] = decisions, visible
        self.figures |= {
            "decision_p50_ms": percentile(decisions, 50),
            "decision_p99_ms": percentile(decisions, 99),
            "cdr_visible_p50_ms": percentile(visible, 50),
            "cdr_visible_p99_ms": percentile(visible, 99),
            "open_calls_per_s": per_s,
            "open_cpu_percent": used.server_s / figures["seconds"] * 100,
        }

    def live(self) -> None:
        """Answered calls that talk on: what each takes, what they cost, and a restart."""
        size = self.size
        with self.bed() as bed:
            server = bed.server
            bed.ran(bed.load.do("closed", calls=500, in_flight=16))
            bed.check()
            time.sleep(0.5)
            rss, redis = server.rss_bytes(), server.redis_bytes()
            bed.ran(bed.load.do("hold", calls=size.live, in_flight=16), ended=False)
            time.sleep(0.5)
            self.figures |= {
                "live_calls": size.live,
                "bytes_per_live_call": (server.rss_bytes() - rss) / size.live,
                "redis_bytes_per_live_call": (server.redis_bytes() - redis) / size.live,
            }
            if size.full:
                self._idle(bed)
                self._restart(bed)
            bed.ran(bed.load.do("end", in_flight=16))
            bed.check()

    def _idle(self, bed: Bed) -> None:
        time.sleep(SETTLED_S)
        before, moved = bed.server.used(), bed.load.do("state")["timeouts_moved"]
        time.sleep(self.size.idle_s)
        used = bed.server.used().since(before)
        moved = bed.load.do("state")["timeouts_moved"] - moved
        self.figures |= {
            "live_cpu_percent": used.server_s / self.size.idle_s * 100,
            "live_valkey_cpu_percent": used.valkey_s / self.size.idle_s * 100,
            "live_extensions_per_s": moved / self.size.idle_s,
        }

    def _restart(self, bed: Bed) -> None:
        """SIGKILL, and start again on the same data."""
        bed.server.kill()
        began = time.perf_counter()
        self.figures["restart_ready_s"] = bed.server.start(bed.load.first["ami"])
        wanted = f"callserver_calls_in_hand {self.size.live}.0".encode()
        while wanted not in bed.server.metrics():
            if time.perf_counter() - began > 60:
                raise BenchFailed("the open meters were not adopted")
            time.sleep(0.05)
        self.figures["restart_adopted_s"] = time.perf_counter() - began

    def profiled(self) -> None:
        """Where the server's CPU time goes in lifecycles."""
        file = self.profile or self.folder / "profile.json"
        with self.bed(profile=file) as bed:
            bed.ran(bed.load.do("closed", calls=500, in_flight=self.size.in_flight))
            bed.server.signal(signal.SIGUSR2)
            bed.ran(self._closed(bed.load))
            bed.check()
        show(file)

    def million(self) -> None:
        """As many numbers as there will ever be: how long a decision takes then, and the memory."""
        with self.bed(1_000_000) as bed:
            bed.ran(bed.load.do("closed", calls=2_000, in_flight=16))
            figures = bed.ran(bed.load.do("open", calls=5_000, per_s=500, watch_every=WATCH_EVERY))
            bed.check()
            self.figures |= {
                "million_dids_decision_p50_ms": percentile(figures["decision_ms"], 50),
                "million_dids_decision_p99_ms": percentile(figures["decision_ms"], 99),
                "million_dids_ready_s": bed.ready_s,
                "million_dids_rss_mib": bed.server.rss_bytes() / 2**20,
            }


class _OpenBed:
    """Fills books, starts the load and the server; ends them."""

    def __init__(self, data: Path, dids: int, profile: Path | None) -> None:
        self._data, self._dids = data, dids
        self._server = Server(data, profile)

    def __enter__(self) -> Bed:
        self._data.mkdir(mode=0o700)
        load_call_id_key(self._data / "call_id.key")
        server = self._server
        server.token = asyncio.run(fill(self._data, self._dids))
        settings = {"agi": server.agi_port, "http": server.http_port, "token": server.token}
        load = Helper("tests.bench.load", {**settings, "data": str(self._data), "dids": self._dids})
        self._load = load
        try:
            ready_s = server.start(load.first["ami"])
        except BaseException:
            self.__exit__()
            raise
        return Bed(server, load, ready_s)

    def __exit__(self, *_: object) -> None:
        try:
            self._server.stop()
        finally:
            self._server.close()
            self._load.__exit__()


class _OpenFloor:
    """The floor's process and its load."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __enter__(self) -> tuple[Helper, Helper]:
        self._data.mkdir(mode=0o700)
        self._floor = Helper(
            "tests.bench.floor", {"data": str(self._data), "scripts": SCRIPTS_PER_CALL}
        )
        settings = {"agi": self._floor.first["agi"], "data": str(self._data), "dids": DIDS}
        self._load = Helper("tests.bench.load", settings)
        return self._floor, self._load

    def __exit__(self, *_: object) -> None:
        self._load.__exit__()
        self._floor.__exit__()


def _middle(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _short(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if not isinstance(value, list)}
