"""What is measured is documented, and the other way round."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from callserver.adapters.http import Metrics
from callserver.domain.account_event import AccountEvent, AccountEventKind
from callserver.domain.meter import Settled
from callserver.domain.refusal import Refusal
from callserver.service.clocks import SystemClock
from callserver.service.health import Health
from tests.adapters.http.bed import Bed
from tests.domain import samples

ROW = re.compile(r"^\| `(callserver_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)
DOCUMENTED = Path(__file__).parents[3] / "docs" / "metrics.md"


@pytest.fixture
def metrics() -> Metrics:
    """Fresh ones, with a part that is down."""
    health = Health(SystemClock())
    health.register("redis")
    return Metrics(health)


def _samples(metrics: Metrics) -> dict[str, float]:
    return {
        "|".join(
            [sample.name, *(value for _, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_the_document_lists_every_metric_with_its_type_and_labels(metrics: Metrics) -> None:
    """Rows are `| name | type | labels | meaning |`."""
    rows = re.findall(
        r"^\| `(callserver_\w+)` \| (\w+) \| ([^|]*) \|", DOCUMENTED.read_text(), re.M
    )
    documented = {(name, kind, labels.strip().strip("—")) for name, kind, labels in rows}
    metrics.call_decided(0.001, None)
    metrics.call_settled(samples.plan(), samples.end(), Settled(0, 0, 0, 0, True))
    metrics.agi_refused("late")
    event = AccountEvent(1, "acme", AccountEventKind.LOW_BALANCE, 0, 0, None, 0)
    metrics.account_ran_low(event)
    metrics.http_answered("/v1/cdrs", "GET", 200, 0.001)
    metrics.http_dropped("idle")
    there = set()
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = sorted({key for sample in family.samples for key in sample.labels} - {"le"})
        there.add((name, family.type, ", ".join(f"`{label}`" for label in labels)))
    created = {row for row in there if row[0].endswith("_created")}
    assert there - created == documented


def test_calls_are_counted_by_outcome_and_disposition(metrics: Metrics) -> None:
    """Money is counted in micro-yuan."""
    metrics.call_decided(0.002, None)
    metrics.call_decided(0.002, Refusal.NO_CREDIT)
    metrics.call_settled(
        samples.plan(), samples.end(), Settled(300_000, 200_000, 100_000, 60, True)
    )
    seen = _samples(metrics)
    assert seen["callserver_calls_decided_total|routed"] == 1
    assert seen["callserver_calls_decided_total|no_credit"] == 1
    assert seen["callserver_decision_seconds_count"] == 2
    assert seen["callserver_calls_settled_total|answered"] == 1
    assert seen["callserver_fees_micros_total"] == 300_000
    assert seen["callserver_written_off_micros_total"] == 100_000


def test_gauges_are_read_when_asked_for(metrics: Metrics) -> None:
    """Nothing is kept twice."""
    now = [3]
    metrics.watch("callserver_calls_in_hand", lambda: now[0])
    assert _samples(metrics)["callserver_calls_in_hand"] == 3
    now[0] = 4
    assert _samples(metrics)["callserver_calls_in_hand"] == 4
    assert _samples(metrics)["callserver_ready"] == 0
    assert _samples(metrics)["callserver_component_up|redis"] == 0


async def test_requests_are_counted_by_pattern_not_by_path(bed: Bed) -> None:
    """Nobody can make labels up."""
    await bed.ask("/v1/accounts/acme/balance")
    await bed.ask("/v1/accounts/other/balance")
    await bed.ask("/no/such/path")
    await bed.ask("/v1/cdrs", method="PROPFIND")
    seen = _samples(bed.services.metrics)
    requests = "callserver_http_requests_total|"
    balance = f"{requests}GET|/v1/accounts/{{account}}/balance"
    assert (seen[f"{balance}|200"], seen[f"{balance}|404"]) == (1, 1)
    assert seen[f"{requests}GET|unmatched|404"] == 1
    assert seen[f"{requests}other|unmatched|405"] == 1
    assert seen["callserver_http_connections"] >= 1
