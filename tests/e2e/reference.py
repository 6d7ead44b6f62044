"""What a call costs by the book: Decimal, from the rules as written, none of the server's code."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True)
class Hours:
    """Another rate from one second of the Shanghai day to before another."""

    rate: str
    from_s: int
    to_s: int


@dataclass(frozen=True)
class Terms:
    """A tariff as decimal text of yuan a minute, and seconds."""

    rate: str = "0.15"
    first_s: int = 60
    next_s: int = 60
    connection_fee: str = "0"
    minimum: str = "0"
    free_s: int = 0
    precision: str = "0.001"

    bands: tuple[Hours, ...] = ()

    def fee(self, billsec: int, answered_us: int = 0, minutes: int = 0) -> Decimal:
        """Yuan for an answered call of so many whole seconds (0: unanswered).

        Each increment has the rate of the hour it begins in; `minutes` cover its first seconds.
        """
        if billsec <= self.free_s:
            return Decimal(0)
        price, billed_s = Decimal(0), 0
        while billed_s < billsec:
            step_s = self.next_s if billed_s else self.first_s
            paid_s = min(step_s, max(0, billed_s + step_s - 60 * minutes))
            price += self._rate(answered_us + billed_s * 1_000_000) * paid_s / 60
            billed_s += step_s
        if billed_s <= 60 * minutes:
            return Decimal(0)
        price = max(price + Decimal(self.connection_fee), Decimal(self.minimum))
        return price.quantize(Decimal(self.precision), ROUND_HALF_UP)

    def minutes_needed(self, billsec: int) -> int:
        """One for each started minute of the billed seconds."""
        if billsec <= self.free_s:
            return 0
        billed_s = self.first_s
        while billed_s < billsec:
            billed_s += self.next_s
        return -(-billed_s // 60)

    def _rate(self, at_us: int) -> Decimal:
        of_day_us = (at_us + 8 * 3_600_000_000) % 86_400_000_000
        for hours in self.bands:
            if hours.from_s * 1_000_000 <= of_day_us < hours.to_s * 1_000_000:
                return Decimal(hours.rate)
        return Decimal(self.rate)
