"""Days and operation ids as people give them."""

import getpass
import uuid
from datetime import date
from typing import Annotated

import typer

OperationId = Annotated[
    str | None,
    typer.Option(
        "--operation-id",
        metavar="ID",
        help="The same id is never done twice.  [default: a new one]",
    ),
]
OPERATION_LENGTH_MAX = 200


def day(text: str, option: str) -> date:
    """`2026-11-21`, a day in Shanghai."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a day; write it like 2026-11-21.", param_hint=option
        ) from None


def day_or_none(text: str | None, option: str) -> date | None:
    """The same; None where none was given."""
    return None if text is None else day(text, option)


def operation(given: str | None) -> str:
    """The operation id: the one given, or a new one."""
    if given is not None and not (0 < len(given) <= OPERATION_LENGTH_MAX and given.isprintable()):
        raise typer.BadParameter("1 to 200 printable characters", param_hint="--operation-id")
    return given or f"cli-{uuid.uuid4()}"


def actor() -> str:
    """Who the books name for what is done here."""
    return f"cli:{getpass.getuser()}"
