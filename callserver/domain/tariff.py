"""Tariffs as immutable versions."""

from dataclasses import dataclass

from callserver.domain.band import Band

PRECISION_MICROS_DEFAULT = 1_000  # 0.001 yuan


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """One version of a tariff; a change is a new version, so running calls keep theirs.

    Amounts are micro-yuan, `rate_micros` per minute. `precision_micros` is what a fee is rounded
    to (1 000 = 0.001 yuan, 10 000 = 0.01 yuan). Increments are ≥ 1 s. A call costs at most
    `cap_micros`, where there is one. `bands` stand in the order they were written.
    """

    tariff: str
    version: int
    effective_from_ms: int
    rate_micros: int
    initial_increment_s: int = 60
    increment_s: int = 60
    connection_fee_micros: int = 0
    minimum_charge_micros: int = 0
    free_s: int = 0
    precision_micros: int = PRECISION_MICROS_DEFAULT
    cap_micros: int | None = None
    bands: tuple[Band, ...] = ()
