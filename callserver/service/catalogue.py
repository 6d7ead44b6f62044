"""The business data that calls are decided by, read anew when it changes."""

import asyncio

import structlog

from callserver.domain.business import Catalogue
from callserver.ports import Books, StoreUnavailable

log = structlog.get_logger()


class CurrentCatalogue:
    """Holds the latest complete snapshot; a failed reload keeps the last good one."""

    def __init__(self, books: Books, poll_s: float = 1.0) -> None:
        self._books = books
        self._poll_s = poll_s
        self.now = Catalogue(version=-1)

    async def reload(self) -> Catalogue:
        """Read the whole catalogue and swap it in at once."""
        self.now = await self._books.load_catalogue()
        log.info("catalogue.loaded", version=self.now.version, dids=len(self.now.dids))
        return self.now

    async def follow(self) -> None:
        """Reload whenever the version in SQL has moved; for ever."""
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                if await self._books.catalogue_version() != self.now.version:
                    await self.reload()
            except StoreUnavailable as error:
                log.warning("catalogue.kept", version=self.now.version, reason=str(error))
