"""Tariffs as immutable versions."""

from dataclasses import dataclass
from functools import lru_cache

from callserver.domain.band import Band
from callserver.domain.price_table import SECONDS_PER_MINUTE, PriceTable, Segment

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

    def compile(self) -> PriceTable:
        """The price table of a call under this version; the same object for equal versions."""
        return _compiled(self)

    def _compile(self) -> PriceTable:
        connection = self.connection_fee_micros * SECONDS_PER_MINUTE
        first_num = self.rate_micros * self.initial_increment_s
        first = Segment(0, self.initial_increment_s, connection, first_num)
        rest = Segment(
            self.initial_increment_s,
            self.increment_s,
            connection + first_num,
            self.rate_micros * self.increment_s,
        )
        return PriceTable(
            segments=(first,) if self.initial_increment_s == self.increment_s else (first, rest),
            minimum_micros=self.minimum_charge_micros,
            cap_micros=self.cap_micros,
            free_s=self.free_s,
            precision_micros=self.precision_micros,
        )


@lru_cache(maxsize=1024)
def _compiled(version: TariffVersion) -> PriceTable:
    return version._compile()
