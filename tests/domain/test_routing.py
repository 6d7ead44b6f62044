"""Where calls go."""

import time
from dataclasses import replace

import pytest

from callserver.domain.business import (
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    NumberState,
    Provider,
)
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.refusal import Refusal
from callserver.domain.routing import LINES_MAX, Outcome, decide, version_at

from .samples import HANGZHOU_MOBILE, SHANGHAI, WITHHELD, catalogue, tariff

DID = "4001234567"


def blocked_by(kind: BlockKind, value: str, did: str | None = None) -> tuple[BlockEntry, ...]:
    """A blacklist of one entry."""
    return (BlockEntry("acme", did, kind, value),)


def test_a_call_goes_to_the_lines_in_order() -> None:
    """All lines of an active number, with who pays and at what tariff."""
    decision = decide(catalogue(), DID, SHANGHAI, 1)
    assert decision.refusal is None
    assert [line.id for line in decision.lines] == ["desk", "back", "home"]
    assert decision.lines[0].ring_s == 20
    assert decision.customer
    assert decision.provider
    assert decision.tariff
    assert (decision.customer.id, decision.provider.id) == ("acme", "north")
    assert decision.tariff.version == 3


def test_a_decision_explains_each_step() -> None:
    """In the order the checks were made, the last one the reason of a refusal."""
    names = [step.name for step in decide(catalogue(), DID, SHANGHAI, 1).steps]
    assert names == ["number", "customer", "state", "blacklist", "tariff", "line", "line", "line"]
    suspended = decide(catalogue({"state": NumberState.SUSPENDED}), DID, SHANGHAI, 1)
    assert suspended.steps[-1] == ("state", Outcome.REFUSED, "suspended")


def test_a_number_nobody_has_is_unknown() -> None:
    """Nothing is known of it, so nobody pays."""
    decision = decide(catalogue(), "4009999999", SHANGHAI, 1)
    assert decision.refusal is Refusal.UNKNOWN_DID
    assert (decision.did, decision.customer, decision.tariff) == (None, None, None)


@pytest.mark.parametrize("state", list(NumberState))
def test_calls_connect_only_while_active(state: NumberState) -> None:
    """Suspended numbers say so; others are not in service, as good as unknown."""
    expected = {NumberState.ACTIVE: None, NumberState.SUSPENDED: Refusal.SUSPENDED}
    decision = decide(catalogue({"state": state}), DID, SHANGHAI, 1)
    assert decision.refusal is expected.get(state, Refusal.UNKNOWN_DID)
    assert decision.customer is not None


@pytest.mark.parametrize(
    ("kind", "value", "caller", "refused"),
    [
        (BlockKind.NUMBER, "02188886666", SHANGHAI, True),
        (BlockKind.NUMBER, "0218888666", SHANGHAI, False),
        (BlockKind.PREFIX, "0218888", SHANGHAI, True),
        (BlockKind.PREFIX, "138", SHANGHAI, False),
        (BlockKind.AREA_CODE, "021", SHANGHAI, True),
        (BlockKind.AREA_CODE, "0571", HANGZHOU_MOBILE, True),
        (BlockKind.AREA_CODE, "010", HANGZHOU_MOBILE, False),
        (BlockKind.PREFIX, "+852", Caller("+85221234567", CallerKind.INTERNATIONAL), True),
        (BlockKind.PREFIX, "", SHANGHAI, False),
        (BlockKind.NUMBER, "", WITHHELD, False),
        (BlockKind.AREA_CODE, "", WITHHELD, False),
    ],
)
def test_blacklists(kind: BlockKind, value: str, caller: Caller, refused: bool) -> None:
    """By whole number, by area code (its mobiles too), by prefix; an empty entry blocks nobody."""
    decision = decide(catalogue(blacklist=blocked_by(kind, value)), DID, caller, 1)
    assert (decision.refusal is Refusal.BLOCKED) is refused


def test_an_entry_may_be_for_one_number_only() -> None:
    """The customer's other numbers still take the caller."""
    elsewhere = blocked_by(BlockKind.PREFIX, "021", did="4007654321")
    assert decide(catalogue(blacklist=elsewhere), DID, SHANGHAI, 1).refusal is None
    here = blocked_by(BlockKind.PREFIX, "021", did=DID)
    assert decide(catalogue(blacklist=here), DID, SHANGHAI, 1).refusal is Refusal.BLOCKED


def test_a_blocked_number_is_not_spelled_out() -> None:
    """The step that explains it masks the caller."""
    entry = blocked_by(BlockKind.NUMBER, SHANGHAI.number)
    step = decide(catalogue(blacklist=entry), DID, SHANGHAI, 1).steps[-1]
    assert step.detail == "caller is blocked by number 0218****666"


VERSIONS = (
    tariff(version=1, effective_from_ms=1_000),
    tariff(version=2, effective_from_ms=2_000),
    tariff(version=3, effective_from_ms=3_000),
)


@pytest.mark.parametrize(
    ("at_ms", "version"), [(999, None), (1_000, 1), (1_999, 1), (2_000, 2), (9_999, 3)]
)
def test_the_version_in_effect_when_the_call_came(at_ms: int, version: int | None) -> None:
    """From its instant on, until the next; before the first there is none."""
    found = version_at(VERSIONS, at_ms)
    assert (found.version if found else None) == version


def test_a_call_before_the_first_version_cannot_be_rated() -> None:
    """It is refused as a fault, with the reason in the steps."""
    decision = decide(catalogue(versions=VERSIONS), DID, SHANGHAI, 1)
    assert decision.refusal is Refusal.FAULT
    assert decision.steps[-1].detail == "tariff standard has no version in effect"


def test_a_number_may_have_a_tariff_of_its_own() -> None:
    """It goes before the customer's; one that does not exist is a fault."""
    assert decide(catalogue({"tariff": "gone"}), DID, SHANGHAI, 1).refusal is Refusal.FAULT


OWN, CUSTOMERS, LEAFS, ROOTS = (tariff(tariff=name) for name in ("own", "theirs", "leaf", "root"))
CHOICES = [  # the number's, the customer's, its provider's, the one above, chosen, whose
    ("own", "theirs", "leaf", "root", "own", "of the number"),
    (None, "theirs", "leaf", "root", "theirs", "of the customer"),
    (None, None, "leaf", "root", "leaf", "of the provider leaf"),
    (None, None, None, "root", "root", "of the provider root"),
    ("own", None, None, None, "own", "of the number"),
]


def priced(
    did: str | None,
    customer: str | None,
    leaf: str | None,
    root: str | None,
    cost: tuple[str | None, str | None] = (None, None),
) -> Catalogue:
    """A number of a customer of `leaf`, which is below `root`."""
    made = catalogue({"tariff": did})
    return replace(
        made,
        providers={
            "leaf": Provider("leaf", "叶", "root", leaf, cost[0]),
            "root": Provider("root", "根", None, root, cost[1]),
        },
        customers={"acme": Customer("acme", "艾克米", "leaf", customer)},
        tariffs={each.tariff: (each,) for each in (OWN, CUSTOMERS, LEAFS, ROOTS)},
    )


@pytest.mark.parametrize(("did", "customer", "leaf", "root", "chosen", "whose"), CHOICES)
def test_whose_tariff_prices_a_call(
    did: str | None,
    customer: str | None,
    leaf: str | None,
    root: str | None,
    chosen: str,
    whose: str,
) -> None:
    """The number's, else the customer's, else that of the nearest provider above."""
    decision = decide(priced(did, customer, leaf, root), DID, SHANGHAI, 1)
    assert decision.tariff
    assert decision.tariff.tariff == chosen
    assert f"{chosen} version 3, {whose}" in [step.detail for step in decision.steps]


def test_without_any_tariff_a_call_is_refused() -> None:
    """And the steps say who could have one; also where providers go round in a ring."""
    bare = priced(None, None, None, None)
    for ring in (bare, replace(bare, providers={"leaf": Provider("leaf", "叶", "leaf")})):
        decision = decide(ring, DID, SHANGHAI, 1)
        assert decision.refusal is Refusal.FAULT
        assert decision.steps[-1].detail == (
            "neither the number, its customer nor a provider above has a tariff"
        )


def test_a_named_tariff_that_is_not_in_effect_is_not_passed_by() -> None:
    """What was meant for a customer is not replaced by what was not."""
    decision = decide(priced(None, "gone", "leaf", None), DID, SHANGHAI, 1)
    assert decision.refusal is Refusal.FAULT
    assert decision.steps[-1].detail == "tariff gone has no version in effect"


def test_the_cost_is_that_of_the_customers_provider() -> None:
    """Not of one above; one that is not in effect refuses nobody."""
    decision = decide(priced(None, "theirs", None, None, ("leaf", "root")), DID, SHANGHAI, 1)
    assert decision.cost_tariff == LEAFS
    assert (
        decide(priced(None, "theirs", None, None, (None, "root")), DID, SHANGHAI, 1).cost_tariff
        is None
    )
    unknown = decide(priced(None, "theirs", None, None, ("gone", None)), DID, SHANGHAI, 1)
    assert (unknown.refusal, unknown.cost_tariff) == (None, None)
    assert ("cost", "skipped") in [(step.name, step.outcome) for step in unknown.steps]


def test_a_customer_that_is_missing_is_a_fault() -> None:
    """Rows that point nowhere never raise in the path of a call."""
    decision = decide(catalogue({"customer": "nobody"}), DID, SHANGHAI, 1)
    assert decision.refusal is Refusal.FAULT


def test_a_line_that_may_not_be_dialled_is_left_out() -> None:
    """Its step says so; with none left the call is refused."""
    bad = Destination("bad", "138&PJSIP/9", "carrier")
    good = Destination("good", "13900139000", "carrier")
    decision = decide(catalogue({"destinations": (bad, good)}), DID, SHANGHAI, 1)
    assert [line.id for line in decision.lines] == ["good"]
    assert ("line", Outcome.SKIPPED, "bad has no number to dial") in decision.steps
    assert decide(catalogue({"destinations": (bad,)}), DID, SHANGHAI, 1).refusal is Refusal.FAULT


def test_no_more_lines_than_the_dialplan_walks() -> None:
    """The rest is left out."""
    many = tuple(Destination(f"d{i}", "13900139000", "carrier") for i in range(30))
    decision = decide(catalogue({"destinations": many}), DID, SHANGHAI, 1)
    assert len(decision.lines) == LINES_MAX


def test_a_decision_is_quick() -> None:
    """Far below a millisecond; the bench measures it, this only catches a slip of magnitude."""
    book = catalogue(blacklist=blocked_by(BlockKind.PREFIX, "139"))
    best_s = 1.0
    for _ in range(50):
        start = time.perf_counter()
        for _ in range(20):
            decide(book, DID, SHANGHAI, 1)
        best_s = min(best_s, (time.perf_counter() - start) / 20)
    print(f"decision: expected well below 1000 us, got {best_s * 1e6:.1f} us")
    assert best_s < 0.001
