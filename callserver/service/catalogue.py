"""The business data that calls are decided by, read anew when it changes."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from callserver.domain.business import Catalogue
from callserver.ports import Books, OutcomeUnknown, StoreUnavailable

log = structlog.get_logger()


class CurrentCatalogue:
    """Holds the latest complete snapshot; a failed reload keeps the last good one.

    `prepare` is run before the first read, until it succeeds (migrations of a database that was
    away); `on_state` hears after every look whether SQL answered: "" or the reason why not.
    """

    def __init__(
        self,
        books: Books,
        prepare: Callable[[], Awaitable[object]],
        on_state: Callable[[str], None],
        poll_s: float = 1.0,
    ) -> None:
        self._books = books
        self._prepare = prepare
        self._on_state = on_state
        self._poll_s = poll_s
        self.now = Catalogue(version=-1)

    @property
    def loaded(self) -> bool:
        """Whether there is anything to decide by; until then calls are left to the dialplan."""
        return self.now.version >= 0

    async def reload(self) -> Catalogue:
        """Read the whole catalogue and swap it in at once."""
        self.now = await self._books.load_catalogue()
        log.info("catalogue.loaded", version=self.now.version, dids=len(self.now.dids))
        return self.now

    async def look(self) -> None:
        """Reload if the version in SQL has moved. Never raises for a database that is away."""
        try:
            if not self.loaded:
                await self._prepare()
                await self.reload()
            elif await self._books.catalogue_version() != self.now.version:
                await self.reload()
        except (StoreUnavailable, OutcomeUnknown) as error:
            log.warning("catalogue.kept", version=self.now.version, reason=str(error))
            self._on_state(str(error) or type(error).__name__)
        else:
            self._on_state("")

    async def follow(self) -> None:
        """Look again and again, for ever."""
        while True:
            await asyncio.sleep(self._poll_s)
            await self.look()
