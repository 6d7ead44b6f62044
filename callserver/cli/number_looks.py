"""`callserver numbers`: what looks at numbers and fills the shelf."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from callserver.cli.arguments import amount
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, message, print_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from callserver.domain.intent_form import IntentForm
    from callserver.domain.lifecycle import NumberRecord
    from callserver.domain.number_application import Application
    from callserver.domain.number_class import NumberClass
    from callserver.service.office import Office

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="A 400 number.")]
T = TypeVar("T")
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


def in_office(
    config: Path | None, data: Path | None, work: "Callable[[Office], Awaitable[T]]"
) -> T:
    """Run one piece of work on the numbers. Raises Failed where the keys cannot be used."""
    from callserver.cli.opening import open_config, with_office
    from callserver.ports.numbers import KeysUnusable, SealBroken

    async def run(office: "Office") -> T:
        try:
            return await work(office)
        except (KeysUnusable, SealBroken) as fault:
            raise Failed(str(fault)) from fault

    return with_office(open_config(config, data), run)


def search(
    pattern: Annotated[
        str, typer.Argument(metavar="[PATTERN]", help="Such as 4008* or *888; ? is one digit.")
    ] = "*",
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="SHAPE", help="Such as AAA or ABAB.")
    ] = None,
    special: Annotated[
        bool | None, typer.Option("--special/--ordinary", help="Only these.")
    ] = None,
    state: Annotated[
        str, typer.Option(help="available, reserved, locked, …; any for all of them.")
    ] = "available",
    price_max: Annotated[
        str | None, typer.Option("--price-max", metavar="YUAN", help="No dearer than this.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what this provider holds.")
    ] = None,
    after: Annotated[str, typer.Option(metavar="NUMBER", help="Go on after this number.")] = "",
    limit: Limit = 50,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Find numbers by pattern, class, state and price.

    Only those that are available now, unless told otherwise.
    """
    from callserver.cli.instants import instant_text
    from callserver.cli.number_tables import print_numbers
    from callserver.domain.business import NumberState
    from callserver.domain.number_change import NumberQuery
    from callserver.domain.number_class import BadPattern, like
    from callserver.service.number_views import number_view

    if state != "any" and state not in set(NumberState):
        raise typer.BadParameter(f"any, {', '.join(NumberState)}", param_hint="--state")
    try:
        wanted = like(pattern)
    except BadPattern as wrong:
        raise typer.BadParameter(str(wrong), param_hint="PATTERN") from None
    query = NumberQuery(
        like=wanted,
        class_name=class_name,
        special=special,
        state=None if state == "any" else NumberState(state),
        price_micros_max=None if price_max is None else amount(price_max, "--price-max"),
        provider=provider,
        after=after,
        limit=limit,
    )
    found = in_office(config, data, lambda office: office.numbers.search(query))
    if json:
        print_json({"numbers": [number_view(each, instant_text) for each in found]})
    else:
        print_numbers(found)
        if len(found) == limit:
            message(f"there may be more: --after {found[-1].number}")


def add(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="FILE|RANGE...", help="One number a line, or 400…-400…."),
    ],
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="SHAPE", help="Not as its ending says.")
    ] = None,
    special: Annotated[
        bool | None,
        typer.Option("--special/--ordinary", help="With --class.  [default: special]"),
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="YUAN", help="With --class.  [default: 0]")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Put numbers on the shelf.

    Known ones take their class and price anew.
    """
    from callserver.domain.number_class import NumberClass

    override = None
    if class_name is not None:
        override = NumberClass(class_name, special is not False, amount(price or "0", "--price"))
    elif price is not None or special is not None:
        option = "--special/--ordinary" if price is None else "--price"
        raise typer.BadParameter("goes with --class only", param_hint=option)
    counted = [_source(source) for source in sources]
    total = sum(count for count, _ in counted)
    new = 0

    async def work(office: "Office") -> int:
        with _bar(total) as progress:
            return await _add(office, [numbers for _, numbers in counted], override, progress)

    new = in_office(config, data, work)
    if json:
        print_json({"numbers": total, "new": new})
    else:
        print(f"{total} numbers, {new} of them new")


async def _add(
    office: "Office",
    sources: "list[Iterable[str]]",
    override: "NumberClass | None",
    progress: "Callable[[int], None]",
) -> int:
    from itertools import chain

    return await office.numbers.add(
        chain.from_iterable(sources), override=override, progress=progress
    )


def _source(text: str) -> "tuple[int, Iterable[str]]":
    """How many, and which numbers a file or a range names."""
    from callserver.domain.number_class import BadRange, numbers_of

    path = Path(text)
    if not path.is_file():
        try:
            return numbers_of(text)
        except BadRange as wrong:
            raise typer.BadParameter(f"{wrong}; nor is there a file of that name.") from None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise Failed(f"{path}: cannot be read") from fault
    return _listed(path, lines)


def _listed(path: Path, lines: list[str]) -> "tuple[int, list[str]]":
    from callserver.domain.number_class import BadRange, numbers_of

    found: list[str] = []
    for place, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            found.extend(numbers_of(text)[1])
        except BadRange as wrong:
            raise Failed(f"{path}:{place}: {wrong}; nothing was added") from None
    return len(found), found


@contextmanager
def _bar(total: int) -> "Iterator[Callable[[int], None]]":
    """A progress bar on standard error, where that is a terminal."""
    import sys

    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    hidden = not sys.stderr.isatty()
    with Progress(console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("numbers", total=total)
        yield lambda done: progress.update(task, completed=done)


def show(
    number: Number,
    form: Annotated[
        bool, typer.Option("--form", help="Also what the intent form says: personal data.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show a number and how far its application has come."""
    from callserver.cli.instants import instant_text
    from callserver.cli.number_tables import print_form, print_number
    from callserver.service.number_views import application_view, number_view

    record, application, wanted = in_office(
        config, data, lambda office: _look(office, number, form=form)
    )
    if json:
        shown: dict[str, Any] = number_view(record, instant_text)
        view = application_view(application, instant_text) if application else None
        shown |= {"application": view}
        if form:
            from dataclasses import asdict

            shown["intent_form"] = asdict(wanted) if wanted else None
        print_json(shown)
        return
    print_number(record, application)
    if form and application:
        print_form(wanted)


async def _look(
    office: "Office", number: str, *, form: bool
) -> "tuple[NumberRecord, Application | None, IntentForm | None]":
    from callserver.domain.number_change import ApplicationQuery

    record = await office.numbers.number(number)
    last = await office.numbers.applications(ApplicationQuery(number=number, limit=1))
    if not last:
        return record, None, None
    application = await office.numbers.application(last[0].id)
    wanted = await office.numbers.intent_form(application.id) if form else None
    return record, application, wanted


def history(
    number: Number, config: ConfigFile = None, data: DataFolder = None, json: Json = False
) -> None:
    """Show what has happened to a number."""
    from callserver.cli.instants import instant_text
    from callserver.cli.number_tables import print_history
    from callserver.service.number_views import change_view

    found = in_office(config, data, lambda office: office.numbers.history(number))
    if json:
        print_json({"history": [change_view(each, instant_text) for each in found]})
    else:
        print_history(found)


def applications(
    provider: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this provider's.")
    ] = None,
    number: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Only for this number.")
    ] = None,
    ended: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    limit: Limit = 50,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List applications, the newest first."""
    from callserver.cli.instants import instant_text
    from callserver.cli.number_tables import print_applications
    from callserver.domain.number_change import ApplicationQuery
    from callserver.service.number_views import application_view

    query = ApplicationQuery(
        number=number,
        providers=None if provider is None else frozenset({provider}),
        open_only=not ended,
        limit=limit,
    )
    found = in_office(config, data, lambda office: office.numbers.applications(query))
    if json:
        print_json({"applications": [application_view(each, instant_text) for each in found]})
    else:
        print_applications(found)


def purge(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Delete forms and files past their retention.

    A running server does so by itself.
    """

    gone = in_office(config, data, lambda office: office.numbers.purge())
    if json:
        print_json({"deleted": gone})
    else:
        print(f"{gone} deleted")
