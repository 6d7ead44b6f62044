"""What a call must cost, reckoned from the PBX's log alone, in Decimal and from plain tariffs."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from callserver.demo.business import CUSTOMER_TARIFF, DID_CUSTOMER, TARIFFS, PlainTariff
from callserver.demo.pbx.script import CallRecord

FEE_STEP = Decimal("0.001")
_DISPOSITIONS = {
    "ANSWER": "answered",
    "NOANSWER": "no_answer",
    "BUSY": "busy",
    "CONGESTION": "failed",
    "CHANUNAVAIL": "failed",
    "CANCEL": "cancelled",
}


def fee(tariff: PlainTariff, billsec: int) -> Decimal:
    """Yuan for that many answered seconds, by the wording of the tariff."""
    if billsec == 0:
        return Decimal(0)
    beyond = max(Decimal(0), Decimal(billsec) - tariff.first_s)
    steps = (beyond / tariff.next_s).to_integral_value(ROUND_CEILING)
    # Multiplied before it is divided: a sixtieth is not exact in Decimal, and ties would fall.
    for_time = Decimal(tariff.rate) * (tariff.first_s + steps * tariff.next_s) / 60
    exact = for_time + Decimal(tariff.connection_fee)
    return max(exact, Decimal(tariff.minimum)).quantize(FEE_STEP, ROUND_HALF_UP)


def due(did: str, billsec: int) -> Decimal:
    """Yuan that so many answered seconds to this number cost its customer."""
    customer = DID_CUSTOMER.get(did)
    if customer is None:
        return Decimal(0)
    return fee(TARIFFS[CUSTOMER_TARIFF[customer]], billsec)


def disposition(record: CallRecord) -> str:
    """How the call came out, as a CDR must say."""
    return "refused" if record.refused else _DISPOSITIONS.get(record.dial_status, "failed")
