"""The customers of the scenarios: one number each, so that their books do not mix."""

from dataclasses import dataclass, field

from callserver.domain.band import Band
from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.money import parse_yuan
from callserver.domain.tariff import TariffVersion
from tests.e2e.reference import Terms

ACTIVE, SUSPENDED = NumberState.ACTIVE, NumberState.SUSPENDED


@dataclass(frozen=True)
class Party:
    """A customer with one 400 number. `trunks`: one line each, named after what it does."""

    customer: str
    did: str
    trunks: tuple[str, ...]
    terms: Terms = field(default_factory=Terms)
    balance: str = "100"
    minutes: int = 0
    ring_s: int = 20
    line_calls_max: int = 0
    did_calls_max: int = 0
    state: NumberState = ACTIVE
    blocked: tuple[str, ...] = ()
    postpaid_limit: str = ""


def number_of(party: Party, index: int) -> str:
    """The digits of the party's line (from 0), distinct over all parties."""
    return f"021{party.did[-4:]}{index + 1:04d}"


def catalogue(parties: list[Party]) -> Catalogue:
    """The business data of these parties."""
    return Catalogue(
        version=1,
        providers={"reseller": Provider("reseller", "总代理")},
        customers={party.customer: _customer(party) for party in parties},
        dids={party.did: _did(party) for party in parties},
        tariffs={f"t-{party.customer}": (_tariff(party),) for party in parties},
        blacklist={
            party.customer: tuple(
                BlockEntry(party.customer, None, BlockKind.NUMBER, number)
                for number in party.blocked
            )
            for party in parties
            if party.blocked
        },
    )


def _customer(party: Party) -> Customer:
    return Customer(
        id=party.customer,
        name=f"{party.customer} 公司",
        provider="reseller",
        tariff=f"t-{party.customer}",
        billing=Billing.POSTPAID if party.postpaid_limit else Billing.PREPAID,
        credit_limit_micros=parse_yuan(party.postpaid_limit or "0"),
    )


def _did(party: Party) -> Did:
    return Did(
        number=party.did,
        customer=party.customer,
        state=party.state,
        destinations=tuple(
            Destination(
                id=f"{party.customer}-{index}",
                number=number_of(party, index),
                trunk=trunk,
                ring_s=party.ring_s,
                calls_max=party.line_calls_max,
            )
            for index, trunk in enumerate(party.trunks)
        ),
        calls_max=party.did_calls_max,
    )


def _tariff(party: Party) -> TariffVersion:
    terms = party.terms
    return TariffVersion(
        tariff=f"t-{party.customer}",
        version=1,
        effective_from_ms=0,
        rate_micros=parse_yuan(terms.rate),
        initial_increment_s=terms.first_s,
        increment_s=terms.next_s,
        connection_fee_micros=parse_yuan(terms.connection_fee),
        minimum_charge_micros=parse_yuan(terms.minimum),
        free_s=terms.free_s,
        precision_micros=parse_yuan(terms.precision),
        bands=tuple(
            Band(parse_yuan(hours.rate), hours.from_s, hours.to_s) for hours in terms.bands
        ),
    )
