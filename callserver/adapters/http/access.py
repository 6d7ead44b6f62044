"""Who asks, and what they may see: bearer tokens, scopes, and how much at once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION

from callserver.adapters.http.problems import Code, Problem, too_many
from callserver.adapters.http.settings import TOKEN_SEEN_S
from callserver.domain.api_token import SECRET_PREFIX, ApiToken, Scope, digest_of
from callserver.domain.business import Catalogue
from callserver.domain.declined import Declined, Reason
from callserver.domain.identity import is_slug
from callserver.domain.ledger import provider_account
from callserver.domain.provider_tree import customers_of, subtree
from callserver.ports import TokenBook

TOKENS_KEPT_MAX = 10_000
LOOKUPS_AT_ONCE = 16
SECRET_LENGTH_MAX = 128
_PROVIDERS = provider_account("")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="callserver"'}


@dataclass(frozen=True, slots=True)
class Viewer:
    """A bearer. `customers` is whose data may be seen; None: everybody's.

    `providers` likewise: a provider's own subtree, none for a customer; None: all of them.
    """

    token: ApiToken
    customers: frozenset[str] | None
    providers: frozenset[str] | None = frozenset()

    @property
    def in_full(self) -> bool:
        """Whether caller numbers are shown in full: only to the customer who was called."""
        return self.token.scope is Scope.CUSTOMER

    @property
    def sees_cost(self) -> bool:
        """Whether what calls cost the provider, and its margin, is shown: never to a customer."""
        return self.token.scope in {Scope.PROVIDER, Scope.ADMIN}

    @property
    def may_create_money(self) -> bool:
        """Whether the bearer may put money in from outside, or take it out: top up and adjust."""
        return self.token.scope is Scope.ADMIN

    @property
    def manages_customers(self) -> bool:
        """Whether the bearer looks after the customers it sees."""
        return self.token.scope in {Scope.PROVIDER, Scope.ADMIN}

    def manages_account(self, account: str) -> bool:
        """The same for any account it sees: a provider's own is looked after by an admin only."""
        if account.startswith(_PROVIDERS):
            return self.token.scope is Scope.ADMIN
        return self.manages_customers

    @property
    def actor(self) -> str:
        """Who the ledger names for what the bearer posts."""
        return f"token:{self.token.id}:{self.token.label}"

    @property
    def only_customer(self) -> str | None:
        """The one customer that is seen, if it is one."""
        return self.token.subject if self.token.scope is Scope.CUSTOMER else None

    def sees(self, customer: str | None) -> bool:
        """Whether this customer's data may be shown; None: calls to unknown numbers."""
        return self.customers is None or customer in self.customers

    def sees_provider(self, provider: str | None) -> bool:
        """Whether this provider's data may be shown."""
        return self.providers is None or provider in self.providers

    def acts_for(self, provider: str) -> bool:
        """Whether the bearer may do things in this provider's name: itself, one above it, admin."""
        if self.token.scope is Scope.PROVIDER:
            return self.sees_provider(provider)
        return self.token.scope is Scope.ADMIN


class TokenCache:
    """Tokens found lately, by digest, also those that do not exist: at most `seen_s` old."""

    def __init__(self, tokens: TokenBook, seen_s: float = TOKEN_SEEN_S) -> None:
        self._tokens = tokens
        self._seen_s = seen_s
        self._kept: dict[str, tuple[ApiToken | None, float]] = {}
        self._lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def find(self, secret: str) -> ApiToken | None:
        """The token of a secret, None for an unknown or revoked one. Raises StoreUnavailable."""
        digest = digest_of(secret)
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(digest)
        if kept is not None and now < kept[1]:
            return kept[0]
        async with self._lookups:  # random secrets must not fill the database's queue
            token = await self._tokens.find_token(digest)
        if len(self._kept) >= TOKENS_KEPT_MAX:
            self._drop_oldest(now)
        self._kept.pop(digest, None)  # so that the order stays that of the reading
        self._kept[digest] = (token, now + self._seen_s)
        return token

    def _drop_oldest(self, now: float) -> None:
        old = [digest for digest, (_, until) in self._kept.items() if until <= now]
        for digest in old or list(self._kept)[: TOKENS_KEPT_MAX // 10]:
            del self._kept[digest]


class Access:
    """Turns a request into a Viewer, and counts what each has in progress."""

    def __init__(
        self,
        tokens: TokenBook,
        catalogue: Callable[[], Catalogue],
        requests_max: int,
        lists_max: int,
    ) -> None:
        self._cache = TokenCache(tokens)
        self._catalogue = catalogue
        self._requests_max = requests_max
        self._lists_max = lists_max
        self._requests: dict[int, int] = {}
        self._lists: dict[int, int] = {}
        self._trees: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._viewers: dict[int, Viewer] = {}
        self._seen_version = -1

    async def viewer(self, request: web.BaseRequest) -> Viewer:
        """Who asks. Raises Problem (401) and StoreUnavailable."""
        header = request.headers.get(AUTHORIZATION, "")
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Problem(Code.UNAUTHENTICATED, "Send `Authorization: Bearer cs_…`.", _CHALLENGE)
        token = None
        if secret.startswith(SECRET_PREFIX) and len(secret) <= SECRET_LENGTH_MAX:
            token = await self._cache.find(secret)
        if token is None:
            raise Problem(
                Code.UNAUTHENTICATED,
                "This token is unknown or revoked; make one with `callserver token create`.",
                {"WWW-Authenticate": f'{_CHALLENGE["WWW-Authenticate"]}, error="invalid_token"'},
            )
        return self._viewer(token)

    def enter(self, viewer: Viewer) -> None:
        """A request begins; `leave` must follow. Raises Problem (429)."""
        _enter(self._requests, viewer.token.id, self._requests_max)

    def leave(self, viewer: Viewer) -> None:
        """It ended."""
        _leave(self._requests, viewer.token.id)

    @contextmanager
    def list_request(self, viewer: Viewer) -> Iterator[None]:
        """While a request that reads many rows runs. Raises Problem (429)."""
        _enter(self._lists, viewer.token.id, self._lists_max)
        try:
            yield
        finally:
            _leave(self._lists, viewer.token.id)

    def _viewer(self, token: ApiToken) -> Viewer:
        catalogue = self._catalogue()
        if catalogue.version != self._seen_version or len(self._viewers) >= TOKENS_KEPT_MAX:
            self._viewers, self._trees, self._seen_version = {}, {}, catalogue.version
        viewer = self._viewers.get(token.id)
        if viewer is None:
            viewer = self._viewers[token.id] = Viewer(token, *self._seen_by(token))
        return viewer

    def _seen_by(self, token: ApiToken) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        """Customers and providers."""
        if token.scope is Scope.CUSTOMER:
            return frozenset((token.subject,)), frozenset()
        if token.scope is Scope.PROVIDER:
            return self._tree(token.subject)
        return None, None

    def _tree(self, provider: str) -> tuple[frozenset[str], frozenset[str]]:
        if provider not in self._trees:
            catalogue = self._catalogue()
            tree = subtree(catalogue.providers, provider)
            self._trees[provider] = customers_of(catalogue, tree), tree
        return self._trees[provider]


def _enter(running: dict[int, int], token_id: int, most: int) -> None:
    count = running.get(token_id, 0)
    if count >= most:
        raise too_many(f"This token has {most} such requests in progress; wait for one to end.")
    running[token_id] = count + 1


def _leave(running: dict[int, int], token_id: int) -> None:
    running[token_id] -= 1
    if not running[token_id]:
        del running[token_id]


def seen_account(viewer: Viewer, account: str) -> str:
    """The account, if it may be seen; else a Problem (404) as for one that does not exist.

    A customer's has its id, a provider's is `provider:ID`.
    """
    whose = account.removeprefix(_PROVIDERS)
    sees = viewer.sees if whose == account else viewer.sees_provider
    if not is_slug(whose) or not sees(whose):
        raise account_unknown()
    return account


def account_unknown() -> Problem:
    """The same answer for a foreign account and for one that does not exist."""
    return Problem(Code.ACCOUNT_UNKNOWN, "Check the id; another's account looks the same.")


def seen_provider(viewer: Viewer, provider: str) -> str:
    """The provider, if it may be seen; else Declined (404) as for one that does not exist."""
    if not is_slug(provider) or not viewer.sees_provider(provider):
        raise provider_unknown()
    return provider


def provider_unknown() -> Declined:
    """The same answer for a foreign provider and for one that does not exist."""
    return Declined(Reason.PROVIDER_UNKNOWN, "Check the id; another's provider looks the same.")
