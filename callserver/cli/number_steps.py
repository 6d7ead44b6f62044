"""`callserver numbers`: what moves a number through its life, as the operator."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import slug
from callserver.cli.days import OperationId, actor, operation
from callserver.cli.number_looks import Number, in_office
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, message, print_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from callserver.domain.number_change import Command, NumberChange
    from callserver.service.numbers import HandedIn
    from callserver.service.office import Office

REASON_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 200

Provider = Annotated[str, typer.Option("--provider", metavar="ID", help="Who holds the number.")]
Reason = Annotated[str, typer.Option("--reason", help="Kept in the history.")]
For = Annotated[str, typer.Option("--for", metavar="REASON", help="arrears, violation or hold.")]


def _command(event: str, number: str, operation_id: str | None, **more: Any) -> "Command":
    from callserver.domain.lifecycle import NumberEvent
    from callserver.domain.number_change import Command

    for name, text in more.items():
        if isinstance(text, str) and (len(text) > TEXT_LENGTH_MAX or not text.isprintable()):
            raise typer.BadParameter(f"--{name}: one line of at most {TEXT_LENGTH_MAX} characters")
    return Command(NumberEvent(event), number, operation(operation_id), actor(), **more)


def _run(
    config: Path | None,
    data: Path | None,
    work: "Callable[[Office], Awaitable[NumberChange]]",
    *,
    json: bool,
) -> None:
    from callserver.cli.instants import instant_text
    from callserver.cli.number_tables import print_change
    from callserver.service.number_views import change_view

    change = in_office(config, data, work)
    if json:
        print_json(change_view(change, instant_text))
    else:
        print_change(change)


def reserve(
    number: Number,
    provider: Annotated[str, typer.Option("--provider", metavar="ID", help="Who reserves.")],
    form: Annotated[Path, typer.Option("--form", metavar="FILE", help="The intent form, as TOML.")],
    feature: Annotated[
        list[str] | None, typer.Option("--feature", metavar="ID", help="Chosen; may be repeated.")
    ] = None,
    plan: Annotated[str, typer.Option(metavar="ID", help="Chosen plan.")] = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Reserve a number for the customer of an intent form."""
    from callserver.domain.intent_form import FormRefused

    told = _form(form)
    command = _command(
        "reserve",
        number,
        operation_id,
        provider=slug(provider, "--provider"),
        features=tuple(slug(each, "--feature") for each in feature or ()),
        plan=slug(plan, "--plan") if plan else "",
    )
    try:
        _run(config, data, lambda office: office.numbers.reserve(command, told), json=json)
    except FormRefused as refused:
        wrong = "".join(f"\n  {field}: {what}" for field, what in refused.errors.items())
        raise Failed(f"the intent form is refused, nothing was reserved:{wrong}") from None


def _form(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise Failed(f"{path}: {fault}") from fault


def cancel(
    number: Number,
    reason: Reason = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Give a reservation up; it counts as a whole period."""
    command = _command("cancel", number, operation_id, reason=reason)
    _run(config, data, lambda office: office.numbers.act(command), json=json)


def lock(
    number: Number,
    provider: Provider,
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="Who has signed.")],
    contract: Annotated[str, typer.Option(help="Where the contract is kept.")] = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """The contract is signed: pay and lock.

    A special number's price is taken from its provider.
    """
    from callserver.cli.instants import instant_text
    from callserver.cli.number_tables import print_change
    from callserver.domain.money import money_json, short_yuan
    from callserver.service.number_views import change_view

    command = _command(
        "lock",
        number,
        operation_id,
        provider=slug(provider, "--provider"),
        customer=slug(customer, "--customer"),
        contract=contract,
    )

    async def work(office: "Office") -> "tuple[NumberChange, int]":
        change = await office.numbers.act(command)
        if change.application is None:
            return change, 0
        return change, (await office.numbers.application(change.application)).price_micros

    change, price_micros = in_office(config, data, work)
    if json:
        print_json(change_view(change, instant_text) | {"paid": money_json(price_micros)})
        return
    print_change(change)
    if price_micros:
        print(f"{short_yuan(price_micros)} yuan taken from provider:{change.provider}")


def drop(
    number: Number,
    reason: Reason = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """The contract of a locked number came to nothing: release it."""
    command = _command("drop", number, operation_id, reason=reason)
    _run(config, data, lambda office: office.numbers.act(command), json=json)


def submit(
    number: Number,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="KIND=PATH", help="A file; its SHA-256 is noted."),
    ] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option("--digest", metavar="KIND=WHERE=SHA256", help="A file kept elsewhere."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the files here, sealed; 1 MiB each at most.")
    ] = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Hand in the real-name material."""
    files = [_file(each, keep=keep) for each in file or ()]
    files += [_elsewhere(each) for each in digest or ()]
    command = _command("submit", number, operation_id)
    _run(config, data, lambda office: office.numbers.submit(command, files), json=json)


def _file(text: str, *, keep: bool) -> "HandedIn":
    import hashlib

    from callserver.service.numbers import HandedIn

    kind, equals, path = text.partition("=")
    if not (kind and equals and path):
        raise typer.BadParameter(f"{text!r} is not KIND=PATH", param_hint="--file")
    try:
        content = Path(path).read_bytes()
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault
    if keep:
        return HandedIn(kind, Path(path).name, content=content)
    return HandedIn(kind, path, hashlib.sha256(content).hexdigest())


def _elsewhere(text: str) -> "HandedIn":
    from callserver.service.numbers import HandedIn

    kind, _, rest = text.partition("=")
    where, _, digest = rest.rpartition("=")
    if not (kind and where and digest):
        raise typer.BadParameter(f"{text!r} is not KIND=WHERE=SHA256", param_hint="--digest")
    return HandedIn(kind, where, digest)


def approve(
    number: Number,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """The real-name material is in order.

    What comes next is the carrier's confirmation: `activate`.
    """
    command = _command("approve", number, operation_id)
    _run(config, data, lambda office: office.numbers.act(command), json=json)


def reject(
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="What the provider has to mend.")],
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """The real-name material is not in order: back to locked."""
    command = _command("reject", number, operation_id, reason=reason)
    _run(config, data, lambda office: office.numbers.act(command), json=json)


def activate(
    number: Number,
    carrier: Annotated[
        str, typer.Option("--carrier-reference", help="The carrier's confirmation.")
    ] = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """The carrier has confirmed: open the number.

    It must be approved. Calls connect from now on, and the features and the plan that were chosen
    with it are switched on. Again on an open number: what is still missing of them. The exit
    status is 1 while something is.
    """
    from callserver.cli.instants import instant_text
    from callserver.cli.live_plans import with_live_plans
    from callserver.cli.number_tables import print_change, print_items
    from callserver.cli.opening import open_config
    from callserver.service.number_views import opened_view

    command = _command("activate", number, operation_id, carrier_reference=carrier)
    opened = with_live_plans(
        open_config(config, data), lambda office: office.openings.activate(command)
    )
    if json:
        print_json(opened_view(opened, instant_text))
    else:
        print_change(opened.change)
        print_items(opened.items)
    if not opened.complete:
        message(
            f"{number} is open, but not everything that was chosen is on: mend what is in the way, "
            f"then `callserver numbers activate {number}` again"
        )
        raise typer.Exit(1)


def suspend(
    number: Number,
    why: For,
    reason: Reason = "",
    force: Annotated[
        bool, typer.Option("--force", help="Arrears: even before they are long enough overdue.")
    ] = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Stop calls for one more reason.

    For arrears or a hold running ones finish what is held, for a violation they are cut.
    """
    noted = f"forced: {reason}".rstrip(": ") if force and why == "arrears" else reason
    command = _command(
        "suspend", number, operation_id, reason=noted, suspension=_why(why), forced=force
    )
    _run(config, data, lambda office: office.numbers.act(command), json=json)


def resume(
    number: Number,
    why: For,
    reason: Reason = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Clear one reason of a suspension.

    When none is left, calls connect again.
    """
    command = _command("resume", number, operation_id, reason=reason, suspension=_why(why))
    _run(config, data, lambda office: office.numbers.act(command), json=json)


def _why(text: str) -> Any:
    from callserver.domain.lifecycle import Suspension

    if text not in set(Suspension):
        raise typer.BadParameter("arrears, violation or hold", param_hint="--for")
    return Suspension(text)


def close(
    number: Number,
    reason: Reason = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """End a number's service.

    Its lines and blocks go; it is frozen for a while, then free.
    """
    command = _command("close", number, operation_id, reason=reason)
    _run(config, data, lambda office: office.numbers.act(command), json=json)
