"""A whole world for a scenario: SIPp, Asterisk, the server, its customers; and its checks."""

import asyncio
import itertools
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from callserver.adapters.sql.books import open_books
from callserver.demo.asterisk.destinations import Destination
from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.demo.asterisk.instance import AsteriskInstance, CdrLine
from callserver.demo.seed_books import fill_books
from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of
from callserver.domain.money import parse_yuan
from callserver.service.clocks import SystemClock
from tests.e2e.bed.bed import Bed, eventually
from tests.e2e.business import Party, catalogue
from tests.e2e.cuttable import CuttableLink
from tests.e2e.http import get_json, post_json
from tests.e2e.server import Server
from tests.service.included import grant_all

INSTANTS_AGREE_MS = 20
BILLING = {"slice_s": 4, "due_poll_ms": 100, "channel_list_s": 2}


def behaviours() -> dict[str, Destination]:
    """A trunk for each thing a destination can do."""
    return {
        "answers": Destination.answers(),
        "hangs-up": Destination.answers(talk_ms=1200),
        "busy": Destination.rejects(486),
        "congested": Destination.rejects(503),
        "rings-on": Destination.never_answers(),
    }


@dataclass(frozen=True)
class Row:
    """A CDR of the API beside the lines Asterisk wrote of the same call."""

    cdr: dict[str, Any]
    lines: list[CdrLine]

    @property
    def answered(self) -> CdrLine | None:
        """Asterisk's line of the attempt that was answered."""
        return next((line for line in self.lines if line.answer_us), None)


class World:
    """Started and ended as one; everything is left as it was found."""

    def __init__(
        self,
        folder: AsteriskFolder,
        work_dir: Path,
        parties: list[Party],
        *,
        database_url: str = "",
        billing: dict[str, int] | None = None,
        with_cdr_file: bool = True,
        server_first: bool = True,
        ami_through_proxy: bool = False,
        more_pbxs: Sequence[str] = (),
    ) -> None:
        """Plan it; `more_pbxs` names further Asterisks beside `pbx1`, with beds of their own."""
        self.parties = {party.did: party for party in parties}
        self.server = Server(
            work_dir / "data", billing=BILLING | (billing or {}), database_url=database_url
        )
        agi = ("127.0.0.1", self.server.agi_port)
        self.bed = Bed(folder, work_dir, agi, behaviours())
        self.more_beds = [
            Bed(folder, work_dir / name, agi, behaviours(), pbx=name) for name in more_pbxs
        ]
        self._database_url = database_url or f"sqlite:///{self.server.data / 'callserver.db'}"
        self._with_cdr_file = with_cdr_file
        self._server_first = server_first
        self._ami_link: CuttableLink | None = None
        if ami_through_proxy:
            self._ami_link = CuttableLink(self.bed.asterisk.ami_port)
        self._keys = itertools.count(1)
        self._open = ExitStack()
        self.token = ""
        self.topped_up: dict[str, Decimal] = defaultdict(Decimal)

    @property
    def asterisk(self) -> AsteriskInstance:
        """The PBX."""
        return self.bed.asterisk

    @property
    def ami_link(self) -> CuttableLink:
        """The link to AMI, where the world was asked for one that can be cut."""
        assert self._ami_link is not None
        return self._ami_link

    def __enter__(self) -> "World":
        top_ups = {
            party.customer: parse_yuan(party.balance)
            for party in self.parties.values()
            if parse_yuan(party.balance)
        }
        self.token = asyncio.run(
            fill_books(
                self._database_url, catalogue(list(self.parties.values())), SystemClock(), top_ups
            )
        )
        minutes = {party.customer: party.minutes for party in self.parties.values()}
        asyncio.run(
            grant_all(self._database_url, {name: count for name, count in minutes.items() if count})
        )
        with ExitStack() as opening:
            opening.enter_context(self.server)
            for bed in (self.bed, *self.more_beds):
                opening.enter_context(bed)
            if self._ami_link:
                opening.enter_context(self._ami_link)
            if self._server_first:
                self.start_server()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def start_server(self) -> None:
        """Start (again), and wait until calls can be taken."""
        ami_port = self._ami_link.port if self._ami_link else self.asterisk.ami_port
        links = [(self.asterisk, ami_port)]
        links += [(bed.asterisk, bed.asterisk.ami_port) for bed in self.more_beds]
        self.server.start(links, with_cdr_file=self._with_cdr_file)
        self.server.wait_ready()
        for asterisk, _ in links:  # ready means that one of them is linked
            self.wait_link(asterisk.pbx, "ok")

    def wait_link(self, pbx: str, state: str) -> None:
        """Wait until /readyz shows the AMI link to this PBX in this state."""
        eventually(
            lambda: self.server.readyz()[1]["components"][f"ami:{pbx}"]["state"] == state,
            f"the link to {pbx} is {state}",
        )

    def get(self, path: str, token: str | None = None) -> Any:
        """A resource of the API, read with an admin's token, or the one given."""
        status, body = get_json(self.server.url + path, token or self.token)
        assert status == 200, f"{path}: {status} {body}"
        return body

    def customer_token(self, customer: str) -> str:
        """A new token with which this customer's own system reads the API."""
        return asyncio.run(_token_of(self._database_url, customer))

    def top_up(self, customer: str, yuan: str) -> None:
        """Put money into an account through the API."""
        status, body = post_json(
            f"{self.server.url}/v1/accounts/{customer}/topups",
            {"amount": yuan, "reason": "test"},
            self.token,
            idempotency_key=f"key-{next(self._keys)}-{time.monotonic_ns()}",
        )
        assert status in (200, 201), f"top-up: {status} {body}"
        self.topped_up[customer] += Decimal(yuan)

    def available(self, customer: str) -> Decimal:
        """What a new call could take now."""
        return Decimal(self.get(f"/v1/accounts/{customer}/balance")["available"]["amount"])

    def live(self) -> list[dict[str, Any]]:
        """Calls in progress."""
        calls: list[dict[str, Any]] = self.get("/v1/calls?state=live")["calls"]
        return calls

    def wait_answered(self, count: int = 1) -> None:
        """Wait until so many calls are being talked in, as the API sees it."""
        eventually(
            lambda: sum(call["state"] == "answered" for call in self.live()) >= count,
            f"{count} answered calls",
        )

    def cdrs(self) -> list[dict[str, Any]]:
        """All CDRs, the newest first."""
        found: list[dict[str, Any]] = []
        path = "/v1/cdrs?limit=500"
        while path:
            page = self.get(path)
            found += page["cdrs"]
            cursor = page["next_cursor"]
            path = f"/v1/cdrs?limit=500&cursor={cursor}" if cursor else ""
        return found

    def settled(self, count: int, timeout_s: float = 20.0) -> list[Row]:
        """Wait for so many CDRs and no channel left, and join them with Asterisk's lines."""
        beds = (self.bed, *self.more_beds)
        for bed in beds:
            bed.wait_idle()
        self._until_count(lambda: len(self.cdrs()), count, timeout_s)
        time.sleep(0.3)  # one CDR too many would come now
        cdrs = self.cdrs()
        print(f"CDRs: expected {count}, got {len(cdrs)}")
        assert len(cdrs) == count
        lines: dict[tuple[str, str], list[CdrLine]] = defaultdict(list)
        for bed in beds:
            for line in bed.asterisk.cdr_lines():
                lines[bed.asterisk.pbx, line.uniqueid].append(line)
        return [Row(cdr, lines[cdr["pbx"], cdr["uniqueid"]]) for cdr in cdrs]

    def _until_count(self, read: Callable[[], int], count: int, timeout_s: float) -> None:
        give_up_at = time.monotonic() + timeout_s
        while (got := read()) < count:
            assert time.monotonic() < give_up_at, (
                f"expected {count} CDRs, got {got}; {self.server.last_words()}"
            )
            time.sleep(0.1)


async def _token_of(database_url: str, customer: str) -> str:
    secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    async with open_books(database_url, SystemClock()) as books:
        await books.create_token(digest_of(secret), Scope.CUSTOMER, customer, "test")
    return secret
