"""API tokens are found by their digest until they are revoked."""

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.api_token import ApiToken, Scope, digest_of
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS


async def test_a_token_is_found_by_its_digest(books: SqlBooks) -> None:
    """What was said at its making comes back; a wrong secret finds nothing."""
    token = await books.create_token(digest_of("s"), Scope.CUSTOMER, "acme", "back end")
    assert token == ApiToken(token.id, Scope.CUSTOMER, "acme", "back end", T0_MS, None)
    assert await books.find_token(digest_of("s")) == token
    assert await books.find_token(digest_of("t")) is None


async def test_a_revoked_token_is_not_found(books: SqlBooks, clock: SetClock) -> None:
    """It stays in the list with the time of its end; revoking again says so."""
    kept = await books.create_token(digest_of("a"), Scope.NOC, "", "wall")
    token = await books.create_token(digest_of("b"), Scope.ADMIN, "", "laptop")
    clock.us += 5_000
    assert await books.revoke_token(token.id)
    assert not await books.revoke_token(token.id)
    assert not await books.revoke_token(99)
    assert await books.find_token(digest_of("b")) is None
    assert [each.revoked_ms for each in await books.list_tokens()] == [None, T0_MS + 5]
    assert await books.find_token(digest_of("a")) == kept
