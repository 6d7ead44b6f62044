"""Prometheus metrics of one process, in a registry of its own; docs/metrics.md lists them."""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from callserver.domain.account_event import AccountEvent
from callserver.domain.call import CallEnd, Plan
from callserver.domain.cdr_builder import disposition, sold_below_cost
from callserver.domain.meter import Settled
from callserver.domain.refusal import Refusal
from callserver.service.health import ComponentState, Health

ROUTED = "routed"
_REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)
_DECISION_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 3.0)
NOT_IN_SQL = ("callserver_cdrs_waiting", "callserver_spool_records")
"""The gauges of CDRs on their way."""
_GAUGES = {
    "callserver_calls_in_hand": "Routed calls of this process that are not settled yet.",
    "callserver_cdrs_waiting": "Settled calls of this process that SQL does not have yet.",
    "callserver_spool_records": "Ended calls kept on disk because Redis was away.",
    "callserver_agi_sessions": "FastAGI sessions open now.",
    "callserver_shards_denied": "Shards of Redis denied until they are rebuilt from SQL.",
    "callserver_http_connections": "HTTP connections open now.",
    "callserver_ledger_drift": "Accounts whose balance in Redis is not that of the books.",
    "callserver_sudden_fee_notices": "Customers noticed of a sudden fee in the running month.",
    "callserver_reconciliation_differences": "Providers' days whose feature fees do not agree.",
}


class Metrics:
    """Count by calling the methods; what others hold is read by `watch` when it is asked for."""

    def __init__(self, health: Health) -> None:
        self.registry = CollectorRegistry()
        self._http = Counter(
            "callserver_http_requests_total",
            "HTTP requests answered, by route, method and status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._http_seconds = Histogram(
            "callserver_http_request_seconds",
            "Time to prepare an HTTP answer.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._decided_children: dict[str, Counter] = {}
        self._settled_children: dict[str, Counter] = {}
        self._http_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._http_dropped = Counter(
            "callserver_http_connections_dropped_total",
            "HTTP connections ended by a bound, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self._decided = Counter(
            "callserver_calls_decided_total",
            "Calls decided: routed, or the reason of the refusal.",
            ["outcome"],
            registry=self.registry,
        )
        self._decision_seconds = Histogram(
            "callserver_decision_seconds",
            "Time from a route request to its decision.",
            buckets=_DECISION_BUCKETS,
            registry=self.registry,
        )
        self._settled = Counter(
            "callserver_calls_settled_total",
            "Calls settled, by disposition.",
            ["disposition"],
            registry=self.registry,
        )
        self._fees = Counter(
            "callserver_fees_micros_total",
            "Fees of settled calls in micro-yuan.",
            registry=self.registry,
        )
        self._written_off = Counter(
            "callserver_written_off_micros_total",
            "Part of the fees that was written off, in micro-yuan.",
            registry=self.registry,
        )
        self._minutes = Counter(
            "callserver_included_minutes_total",
            "Included minutes that settled calls used.",
            registry=self.registry,
        )
        self._below_cost = Counter(
            "callserver_calls_below_cost_total",
            "Settled calls whose price is below the provider's cost.",
            registry=self.registry,
        )
        self._agi_refused = Counter(
            "callserver_agi_sessions_refused_total",
            "FastAGI sessions ended without an answer, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self._ran_low = Counter(
            "callserver_account_events_total",
            "Accounts that ran low, by event.",
            ["event"],
            registry=self.registry,
        )
        self._watched = {
            name: Gauge(name, text, registry=self.registry) for name, text in _GAUGES.items()
        }
        self._reads: dict[str, Callable[[], int]] = {}
        self.registry.register(_HealthCollector(health))
        ProcessCollector(namespace="callserver", registry=self.registry)

    def watch(self, gauge: str, read: Callable[[], int]) -> None:
        """Read this gauge (a name of docs/metrics.md) by calling `read` at every scrape."""
        self._watched[gauge].set_function(read)
        self._reads[gauge] = read

    def watched(self, gauge: str) -> int:
        """What a gauge reads now; 0 where nobody is watched."""
        read = self._reads.get(gauge)
        return read() if read is not None else 0

    def call_decided(self, seconds: float, refusal: Refusal | None) -> None:
        """A route request was answered."""
        outcome = refusal.value if refusal else ROUTED
        child = self._decided_children.get(outcome)
        if child is None:
            child = self._decided_children[outcome] = self._decided.labels(outcome)
        child.inc()
        self._decision_seconds.observe(seconds)

    def call_settled(self, plan: Plan, end: CallEnd, settled: Settled) -> None:
        """A call was settled, for the first time."""
        outcome = disposition(plan, end).value
        child = self._settled_children.get(outcome)
        if child is None:
            child = self._settled_children[outcome] = self._settled.labels(outcome)
        child.inc()
        self._fees.inc(settled.fee_micros)
        self._written_off.inc(settled.written_off_micros)
        self._minutes.inc(settled.minutes)
        if sold_below_cost(plan, end, settled):
            self._below_cost.inc()

    def agi_refused(self, reason: str) -> None:
        """A FastAGI session was ended without an answer."""
        self._agi_refused.labels(reason).inc()

    def account_ran_low(self, event: AccountEvent) -> None:
        """An account came below a threshold."""
        self._ran_low.labels(event.event.value).inc()

    def http_answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered; `route` is the pattern, never the path itself."""
        key = (route, method, status)
        children = self._http_children.get(key)
        if children is None:  # `labels` costs more than the counting
            counter = self._http.labels(route, method, str(status))
            children = self._http_children[key] = (counter, self._http_seconds.labels(route))
        children[0].inc()
        children[1].observe(seconds)

    def http_dropped(self, reason: str) -> None:
        """An HTTP connection was ended by a bound."""
        self._http_dropped.labels(reason).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _HealthCollector(Collector):
    """Readiness and components, as they are at the scrape."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """1 or 0 for the whole and for each part."""
        readiness = self._health.readiness()
        yield GaugeMetricFamily(
            "callserver_ready", "1 when calls can be taken.", value=int(readiness.ready)
        )
        parts = GaugeMetricFamily(
            "callserver_component_up", "1 when the part works.", labels=["component"]
        )
        for part in readiness.components:
            parts.add_metric([part.name], int(part.state is ComponentState.OK))
        yield parts
