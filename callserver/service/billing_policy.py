"""The limits calls are metered under, as `[billing]` of the config sets them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BillingPolicy:
    """Seconds and milliseconds as the names say; see docs/configuration.md for each."""

    slice_s: int = 300
    call_max_s: int = 14_400
    unmetered_max_s: int = 3_600
    end_report_wait_ms: int = 2_000
    retry_ms: int = 1_000
    claim_ms: int = 5_000
    ring_check_ms: int = 180_000
    channel_lists_apart_ms: int = 2_000
    tombstone_ms: int = 3_600_000
