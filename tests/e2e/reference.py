"""What a call costs by the book: Decimal, from the rules as written, none of the server's code."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


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

    def fee(self, billsec: int) -> Decimal:
        """Yuan for an answered call of so many whole seconds (0: unanswered)."""
        if billsec <= self.free_s:
            return Decimal(0)
        billed_s = self.first_s
        while billed_s < billsec:
            billed_s += self.next_s
        price = Decimal(self.connection_fee) + Decimal(self.rate) * billed_s / 60
        price = max(price, Decimal(self.minimum))
        return price.quantize(Decimal(self.precision), ROUND_HALF_UP)
