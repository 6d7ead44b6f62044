"""What the HTTP adapter speaks to."""

from collections.abc import Callable
from dataclasses import dataclass

from callserver.adapters.http.metrics import Metrics
from callserver.domain.business import Catalogue
from callserver.ports import Books, Clock, TokenBook
from callserver.service.accounts import Accounts
from callserver.service.health import Health
from callserver.service.live import LiveCalls
from callserver.service.office import Office
from callserver.service.quotes import Quotes


@dataclass(frozen=True, slots=True)
class HttpServices:
    """`catalogue` gives the business data as it is now."""

    accounts: Accounts
    live: LiveCalls
    books: Books
    tokens: TokenBook
    catalogue: Callable[[], Catalogue]
    health: Health
    clock: Clock
    metrics: Metrics
    office: Office
    quotes: Quotes
