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
_OURS = "cli:"


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
    """The operation id: the one given, or a new one; as the books keep it, behind `cli:`.

    Ids of the server's own, such as a month's shortfall, have other beginnings: nobody can take one
    beforehand. The id is the same whether it is given with its `cli:` or without.
    """
    if given is None:
        return f"{_OURS}{uuid.uuid4()}"
    bare = given.removeprefix(_OURS)
    if not 0 < len(bare) <= OPERATION_LENGTH_MAX or not bare.isprintable() or " " in bare:
        raise typer.BadParameter(
            f"1 to {OPERATION_LENGTH_MAX} printable characters, no spaces",
            param_hint="--operation-id",
        )
    return f"{_OURS}{bare}"


def actor() -> str:
    """Who the books name for what is done here."""
    return f"cli:{getpass.getuser()}"
