"""[R3] Numbers from the shelf to a customer's telephone, and back."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import orjson
import structlog

from callserver.domain.declined import Declined, Reason
from callserver.domain.intent_form import IntentForm, read_form
from callserver.domain.ledger import OperationReused
from callserver.domain.lifecycle import NumberRecord
from callserver.domain.number_application import Application, Material, check_material
from callserver.domain.number_change import (
    ApplicationQuery,
    Command,
    NewNumber,
    NumberChange,
    NumberQuery,
)
from callserver.domain.number_class import NumberClass, class_of
from callserver.ports import Clock, OutcomeUnknown, StoreUnavailable
from callserver.ports.numbers import NumberBook, Sealer

log = structlog.get_logger()

FILE_BYTES_MAX = 1024 * 1024
ADDED_AT_ONCE = 20_000
TIDIED_AT_ONCE = 500
TIDY_S = 60.0


@dataclass(frozen=True, slots=True)
class NumberPolicy:
    """`retention_ms`: how long forms are kept after their application opened or ended."""

    classes: tuple[NumberClass, ...]
    retention_ms: int


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A real-name file: either the SHA-256 of one kept elsewhere, or its content (≤ 1 MiB)."""

    kind: str
    reference: str
    digest: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """Every request is judged by the clock when it comes, and carried out once.

    Raises Declined, OperationReused, StoreUnavailable and OutcomeUnknown.
    """

    book: NumberBook
    sealer: Sealer
    clock: Clock
    policy: NumberPolicy

    async def reserve(self, command: Command, form: Mapping[str, object]) -> NumberChange:
        """Reserve for the customer of the form. Raises FormRefused too."""
        wanted = read_form(form)
        plain = orjson.dumps(wanted)
        sealed = await asyncio.to_thread(self.sealer.seal, plain, _form_of(command.number))
        change = await self.act(replace(command, sealed_form=sealed))
        if change.application is not None:
            kept = await self.book.sealed_form(change.application)
            if kept is not None and self._form(kept, command.number) != wanted:
                raise OperationReused(command.operation_id)
        return change

    async def submit(self, command: Command, files: Sequence[HandedIn]) -> NumberChange:
        """Hand in real-name material."""
        materials = tuple(self._material(each, command.number) for each in files)
        check_material(materials)
        return await self.act(replace(command, materials=materials))

    async def act(self, command: Command) -> NumberChange:
        """Anything else that can be asked of a number."""
        change = await self.book.carry_out(command, self.now_ms())
        log.info(
            "number.changed",
            number=change.number,
            event_of_number=change.event.value,
            state=change.to_state.value,
            application=change.application,
        )
        return change

    async def add(
        self,
        numbers: Iterable[str],
        *,
        override: NumberClass | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Put numbers into the inventory, each in its class unless `override`; how many were new.

        `progress` hears how many have been done.
        """
        rest, new, done = iter(numbers), 0, 0
        while chunk := list(islice(rest, ADDED_AT_ONCE)):
            rows = await asyncio.to_thread(self._new_numbers, chunk, override)
            new += await self.book.add(rows, self.now_ms())
            done += len(chunk)
            if progress is not None:
                progress(done)
        return new

    async def number(self, number: str) -> NumberRecord:
        """The number as it stands now."""
        found = await self.book.record(number, self.now_ms())
        if found is None:
            raise Declined(Reason.NUMBER_UNKNOWN, f"There is no number {number} in the inventory.")
        return found

    async def search(self, query: NumberQuery) -> list[NumberRecord]:
        """Numbers in order, as they stand now."""
        return await self.book.search(query, self.now_ms())

    async def history(self, number: str) -> list[NumberChange]:
        """What has happened to a number, the oldest first."""
        return await self.book.history(number)

    async def application(self, application: int) -> Application:
        """One application with its material, its contents still sealed."""
        found = await self.book.application(application, self.now_ms())
        if found is None:
            raise Declined(Reason.APPLICATION_UNKNOWN, f"There is no application {application}.")
        return found

    async def applications(self, query: ApplicationQuery) -> list[Application]:
        """Applications, the newest first."""
        return await self.book.applications(query, self.now_ms())

    async def intent_form(self, application: int) -> IntentForm | None:
        """What the form says; None once it is deleted. Raises SealBroken."""
        found = await self.application(application)
        sealed = await self.book.sealed_form(application)
        return None if sealed is None else self._form(sealed, found.number)

    def now_ms(self) -> int:
        """The instant by which requests are judged, UTC milliseconds."""
        return self.clock.now_us() // 1000

    async def purge(self) -> int:
        """Write down what the clock did, delete what is past its retention; how many items."""
        now_ms = self.now_ms()
        while await self.book.write_due(now_ms, TIDIED_AT_ONCE) == TIDIED_AT_ONCE:
            continue
        gone = 0
        while count := await self.book.purge(now_ms - self.policy.retention_ms, TIDIED_AT_ONCE):
            gone += count
        if gone:
            log.info("numbers.purged", items=gone)
        return gone

    async def run(self) -> None:
        """Tidy up again and again, for ever. No answer depends on it."""
        while True:
            await asyncio.sleep(TIDY_S)
            try:
                await self.purge()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("numbers.tidying_waits", reason=str(error))

    def _new_numbers(self, numbers: Sequence[str], override: NumberClass | None) -> list[NewNumber]:
        classes = [(each, override or class_of(each, self.policy.classes)) for each in numbers]
        return [
            NewNumber(number, kind.shape, kind.special, kind.price_micros)
            for number, kind in classes
        ]

    def _form(self, sealed: str, number: str) -> IntentForm:
        return IntentForm(**orjson.loads(self.sealer.open(sealed, _form_of(number))))

    def _material(self, file: HandedIn, number: str) -> Material:
        if file.content is None:
            return Material(file.kind, file.reference, file.digest.lower())
        if not 0 < len(file.content) <= FILE_BYTES_MAX:
            raise Declined(
                Reason.MATERIAL_REFUSED,
                f"{file.reference}: a file kept here has 1 to {FILE_BYTES_MAX} bytes; keep it "
                "elsewhere and hand in its SHA-256.",
            )
        digest = hashlib.sha256(file.content).hexdigest()
        sealed = self.sealer.seal(file.content, f"material:{number}:{digest}")
        return Material(file.kind, file.reference, digest, sealed)

    def material(self, number: str, material: Material) -> bytes | None:
        """The content of a file that is kept here. Raises SealBroken."""
        if material.sealed is None:
            return None
        return self.sealer.open(material.sealed, f"material:{number}:{material.digest}")


def _form_of(number: str) -> str:
    return f"intent_form:{number}"
