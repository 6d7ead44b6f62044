"""Bearer tokens, scopes and how much at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from callserver.adapters.http.access import (
    TOKENS_KEPT_MAX,
    Access,
    TokenCache,
    Viewer,
    seen_account,
    seen_provider,
)
from callserver.adapters.http.problems import Problem
from callserver.domain.api_token import ApiToken, Scope, digest_of
from callserver.domain.declined import Declined, Reason
from tests.adapters.http.bed import CATALOGUE, Bed

BALANCE = "/v1/accounts/acme/balance"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "cs_x", "Bearer cs_unknown", "Bearer " + "x" * 5000],
)
async def test_without_a_valid_token_nothing_is_shown(bed: Bed, header: str) -> None:
    """401, saying how to authenticate."""
    reply = await bed.ask(BALANCE, None, headers={"Authorization": header} if header else {})
    assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("who", "account", "status"),
    [
        ("admin", "cork", 200), ("noc", "cork", 200),
        ("north", "acme", 200), ("north", "bolt", 200), ("north", "cork", 404),
        ("south", "cork", 200), ("south", "acme", 404),
        ("acme", "acme", 200), ("acme", "bolt", 404), ("cork", "acme", 404),
    ],
)  # fmt: skip
async def test_a_balance_is_shown_to_those_it_concerns(
    bed: Bed, who: str, account: str, status: int
) -> None:
    """Customer: its own; provider: its whole tree's; NOC and admin: all. Others' are missing."""
    assert (await bed.ask(f"/v1/accounts/{account}/balance", who)).status == status


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("acme", 403, "forbidden"),
        ("noc", 403, "forbidden"),
        ("south", 404, "account_unknown"),
        ("cork", 404, "account_unknown"),
    ],
)
async def test_only_its_provider_and_admin_put_money_in(
    bed: Bed, who: str, status: int, code: str
) -> None:
    """A foreign account stays a missing one, also for those who may not top up at all."""
    reply = await bed.top_up("acme", "1.00", who=who)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert (await bed.ask(BALANCE)).json["settled"]["amount"] == "0.000000"


async def test_a_revoked_token_ends_within_its_time(bed: Bed) -> None:
    """A cached token is asked for again after its few seconds."""
    cache = TokenCache(bed.books, seen_s=0.05)
    secret = bed.secrets["acme"]
    found = await cache.find(secret)
    assert found is not None
    await bed.books.revoke_token(found.id)
    await asyncio.sleep(0.06)
    assert await cache.find(secret) is None


class _Book:
    """Counts what is looked up."""

    def __init__(self) -> None:
        self.asked = 0

    async def find_token(self, digest: str) -> ApiToken | None:
        self.asked += 1
        await asyncio.sleep(0)
        known = digest == digest_of("cs_known")
        return ApiToken(1, Scope.ADMIN, "", "a", 0) if known else None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AssertionError(f"{name} is not for the HTTP adapter")


async def test_tokens_are_remembered_but_never_too_many() -> None:
    """Also secrets that do not exist: guessing must not fill the memory."""
    book = _Book()
    cache = TokenCache(book)
    for _ in range(3):
        assert (await cache.find("cs_known")) is not None
    assert book.asked == 1
    for number in range(TOKENS_KEPT_MAX + 50):
        await cache.find(f"cs_{number}")
    assert len(cache._kept) <= TOKENS_KEPT_MAX


async def test_a_token_has_only_so_much_in_progress(bed: Bed) -> None:
    """Beyond it is 429; what ends makes room again; other tokens are not concerned."""
    access = Access(bed.books, lambda: CATALOGUE, requests_max=2, lists_max=1)
    viewer = await access.viewer(_Request(bed.secrets["acme"]))  # type: ignore[arg-type] # a part
    other = await access.viewer(_Request(bed.secrets["cork"]))  # type: ignore[arg-type] # a part
    access.enter(viewer)
    access.enter(viewer)
    with pytest.raises(Problem, match="2 such requests") as caught:
        access.enter(viewer)
    assert caught.value.response().headers["Retry-After"] == "1"
    access.enter(other)
    access.leave(viewer)
    access.enter(viewer)
    with access.list_request(viewer), pytest.raises(Problem), access.list_request(viewer):
        pass
    with access.list_request(viewer):
        pass


class _Request:
    """The part of a request that says who asks."""

    def __init__(self, secret: str) -> None:
        self.headers = {"Authorization": f"bearer {secret}"}


Seen = tuple[frozenset[str] | None, frozenset[str] | None]
EVERYBODY: Seen = (None, None)
NORTH: Seen = (frozenset({"acme", "bolt"}), frozenset({"north", "city"}))
ACME: Seen = (frozenset({"acme"}), frozenset())


def viewer_of(scope: Scope, subject: str = "", seen: Seen = EVERYBODY) -> Viewer:
    """A bearer who sees so much: customers, providers."""
    return Viewer(ApiToken(1, scope, subject, "t", 0), *seen)


@pytest.mark.parametrize(
    ("viewer", "provider", "sees", "acts"),
    [
        (viewer_of(Scope.ADMIN), "south", True, True),
        (viewer_of(Scope.NOC), "south", True, False),
        (viewer_of(Scope.PROVIDER, "north", NORTH), "north", True, True),
        (viewer_of(Scope.PROVIDER, "north", NORTH), "city", True, True),
        (viewer_of(Scope.PROVIDER, "north", NORTH), "south", False, False),
        (viewer_of(Scope.CUSTOMER, "acme", ACME), "north", False, False),
    ],
)
def test_a_bearer_acts_for_its_own_subtree(
    viewer: Viewer, provider: str, sees: bool, acts: bool
) -> None:
    """A provider within its subtree, the admin everywhere; NOC only looks, a customer not even."""
    assert (viewer.sees_provider(provider), viewer.acts_for(provider)) == (sees, acts)
    if sees:
        assert seen_provider(viewer, provider) == provider
        assert seen_account(viewer, f"provider:{provider}") == f"provider:{provider}"
    else:
        with pytest.raises(Declined) as declined:
            seen_provider(viewer, provider)
        assert declined.value.reason is Reason.PROVIDER_UNKNOWN
        with pytest.raises(Problem, match="Check the id"):
            seen_account(viewer, f"provider:{provider}")


@pytest.mark.parametrize("name", ["", "North", "a b", "provider:", "provider:provider:a", "../x"])
def test_what_is_no_id_is_nobody(name: str) -> None:
    """Also for those who see everybody."""
    admin = viewer_of(Scope.ADMIN)
    with pytest.raises(Declined):
        seen_provider(admin, name)
    with pytest.raises(Problem):
        seen_account(admin, name)


@pytest.mark.parametrize(
    ("scope", "account", "may"),
    [
        (Scope.ADMIN, "provider:north", True), (Scope.ADMIN, "acme", True),
        (Scope.PROVIDER, "provider:north", False), (Scope.PROVIDER, "acme", True),
        (Scope.NOC, "acme", False), (Scope.CUSTOMER, "acme", False),
    ],
)  # fmt: skip
def test_only_an_admin_manages_a_providers_account(scope: Scope, account: str, may: bool) -> None:
    """A provider looks after those of its customers."""
    assert viewer_of(scope).manages_account(account) is may


@pytest.mark.parametrize("scope", Scope)
def test_only_an_admin_creates_money(scope: Scope) -> None:
    """Else a provider would make the money itself that it moves to its customers."""
    assert viewer_of(scope).may_create_money is (scope is Scope.ADMIN)


async def test_a_provider_token_sees_its_whole_tree(bed: Bed) -> None:
    """Its providers and their customers; a customer's token has no providers, an admin's all."""
    access = Access(bed.books, lambda: CATALOGUE, requests_max=2, lists_max=1)
    seen = {
        name: await access.viewer(_Request(bed.secrets[name]))  # type: ignore[arg-type] # a part
        for name in ("north", "acme", "noc")
    }
    assert seen["north"].providers == frozenset({"north", "city"})
    assert seen["north"].customers == frozenset({"acme", "bolt"})
    assert (seen["acme"].providers, seen["noc"].providers) == (frozenset(), None)


async def test_a_provider_cannot_fill_its_own_account(bed: Bed) -> None:
    """403; a foreign provider's account is a missing one."""
    reply = await bed.top_up("provider:north", "1.00", who="north")
    assert (reply.status, reply.json["code"]) == (403, "forbidden")
    reply = await bed.top_up("provider:south", "1.00", who="north")
    assert (reply.status, reply.json["code"]) == (404, "account_unknown")
