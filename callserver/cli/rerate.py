"""`callserver cdr rerate`: what calls cost by another tariff; posts corrections when told to."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import instant, slug
from callserver.cli.days import actor
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import message, print_table

if TYPE_CHECKING:
    from callserver.ports.rerating import Posting, RerateQuery
    from callserver.service.office import Office
    from callserver.service.rerating import Looked, RerateSum

SHOWN_MOST = 100
COLUMNS = (
    "call_id", "account", "ended_at", "tariff", "version", "outcome", "before", "after",
    "difference", "before_minutes", "after_minutes",
)  # fmt: skip


def rerate(
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="Ended at or after.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Ended before.")],
    tariff: Annotated[str, typer.Option("--tariff", metavar="NAME", help="To rate by.")],
    at_version: Annotated[
        int | None,
        typer.Option("--at-version", min=1, help="For all.  [default: as the call came in]"),
    ] = None,
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Of it only.")] = None,
    did: Annotated[str | None, typer.Option(help="Of this 400 number only.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look: the default.")] = False,
    post: Annotated[bool, typer.Option("--post", help="Post the corrections.")] = False,
    reason: Annotated[str, typer.Option(help="Why; needed with --post.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also below accounts' limits.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="A row for each call that changes.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Rate finished calls anew.

    With --post, correct those whose price changes.

    A correction takes the call's entry back and posts a new one, today; the CDR stays as it is.
    The same calls by the same version again change nothing.
    """
    from callserver.cli.opening import open_config, with_office

    query = _query(start, end, customer, did)
    posting = _posting(post=post, dry_run=dry_run, reason=reason, force=force)
    writer: _Rows = _JsonRows() if json else _CsvRows() if as_csv else _TableRows()

    async def work(office: "Office") -> "RerateSum":
        return await _run(office, query, slug(tariff, "--tariff"), at_version, posting, writer)

    total = with_office(open_config(config, data), work)
    writer.end(total, posted=posting is not None)


async def _run(
    office: "Office",
    query: "RerateQuery",
    tariff: str,
    version: int | None,
    posting: "Posting | None",
    writer: "_Rows",
) -> "RerateSum":
    from callserver.service.rerating import RerateSum

    total = RerateSum()
    with _progress(await office.rerating.count(query)) as step:
        async for looked in office.rerating.run(query, tariff, version, posting):
            total.add(looked)
            if looked.correction is not None:
                writer.row(looked)
            step()
    return total


def _query(start: str, end: str, customer: str | None, did: str | None) -> "RerateQuery":
    from callserver.domain.number import is_did
    from callserver.ports.rerating import RerateQuery

    from_ms, to_ms = instant(start, "--from"), instant(end, "--to")
    if from_ms >= to_ms:
        raise typer.BadParameter("is not after --from", param_hint="--to")
    if did is not None and not is_did(did):
        raise typer.BadParameter(f"{did!r} is not 400 and seven digits", param_hint="--did")
    return RerateQuery(from_ms, to_ms, slug(customer, "--customer") if customer else None, did)


def _posting(*, post: bool, dry_run: bool, reason: str, force: bool) -> "Posting | None":
    from callserver.cli.accounts import one_line
    from callserver.ports.rerating import Posting

    if post and dry_run:
        raise typer.BadParameter("give one of --post and --dry-run", param_hint="--post")
    if not post:
        return None
    return Posting(actor(), one_line(reason), force)


@contextmanager
def _progress(calls: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    hidden = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=hidden) as progress:
        task = progress.add_task("calls", total=calls)
        yield lambda: progress.advance(task)


def _cells(looked: "Looked") -> dict[str, Any]:
    from callserver.cli.instants import instant_text
    from callserver.domain.money import yuan_text

    found = looked.correction
    assert found is not None, "only what changes has a row"
    values = (
        found.call_id,
        found.account,
        instant_text(found.ended_ms),
        found.tariff,
        found.tariff_version,
        looked.outcome.value,
        yuan_text(found.before_micros),
        yuan_text(found.after_micros),
        yuan_text(found.after_micros - found.before_micros),
        found.before_minutes,
        found.after_minutes,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _sum_json(total: "RerateSum", *, posted: bool) -> dict[str, Any]:
    from callserver.domain.money import money_json

    return {
        "posted": posted,
        "calls": {outcome.value: count for outcome, count in sorted(total.counts.items())},
        "before": money_json(total.before_micros),
        "after": money_json(total.after_micros),
        "difference": money_json(total.after_micros - total.before_micros),
        "before_minutes": total.before_minutes,
        "after_minutes": total.after_minutes,
    }


class _Rows:
    """Where the calls that change are shown; a million of them need no more room than one."""

    def row(self, looked: "Looked") -> None:
        """One call."""
        raise NotImplementedError

    def end(self, total: "RerateSum", *, posted: bool) -> None:
        """All were shown."""
        raise NotImplementedError


class _JsonRows(_Rows):
    """One document, written as it comes."""

    def __init__(self) -> None:
        self._between = '{"calls":[\n'

    def row(self, looked: "Looked") -> None:
        """One object."""
        import orjson

        sys.stdout.write(self._between + orjson.dumps(_cells(looked)).decode())
        self._between = ",\n"

    def end(self, total: "RerateSum", *, posted: bool) -> None:
        """The sums."""
        import orjson

        begun = self._between == ",\n"
        shown = orjson.dumps(_sum_json(total, posted=posted)).decode()
        print(f'{"" if begun else self._between}\n],"sum":{shown}}}', flush=True)


class _CsvRows(_Rows):
    """A row each; the sums on standard error."""

    def __init__(self) -> None:
        self._rows = csv.writer(sys.stdout, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def row(self, looked: "Looked") -> None:
        """One line."""
        self._rows.writerow(_cells(looked).values())

    def end(self, total: "RerateSum", *, posted: bool) -> None:
        """The sums."""
        for line in _sum_lines(total, posted=posted):
            message(line)


class _TableRows(_Rows):
    """The first ones as a table, then the sums."""

    def __init__(self) -> None:
        self._first: list[tuple[str, ...]] = []

    def row(self, looked: "Looked") -> None:
        """Keep it, if it is among the first."""
        from callserver.domain.money import short_yuan

        found = looked.correction
        if found is None or len(self._first) >= SHOWN_MOST:
            return
        self._first.append(
            (
                found.call_id,
                found.account,
                looked.outcome.value,
                short_yuan(found.before_micros),
                short_yuan(found.after_micros),
                short_yuan(found.after_micros - found.before_micros),
            )
        )

    def end(self, total: "RerateSum", *, posted: bool) -> None:
        """Print it all."""
        columns = ["call_id", "account", "outcome", ">before", ">after", ">difference"]
        print_table(columns, self._first, empty="no call changes")
        if len(self._first) == SHOWN_MOST:
            message(f"the first {SHOWN_MOST} calls; --csv or --json shows all")
        for line in _sum_lines(total, posted=posted):
            print(line)


def _sum_lines(total: "RerateSum", *, posted: bool) -> Iterator[str]:
    from callserver.domain.money import short_yuan
    from callserver.domain.rerating import RerateOutcome

    for outcome in RerateOutcome:
        if total.counts[outcome]:
            yield f"{total.counts[outcome]} {_WORDS[outcome.value]}"
    before, after = total.before_micros, total.after_micros
    done = "posted" if posted else "nothing posted; --post --reason … posts it"
    yield (
        f"{short_yuan(before)} → {short_yuan(after)} yuan,"
        f" difference {short_yuan(after - before)} ({done})"
    )


_WORDS = {
    "changed": "calls change",
    "unchanged": "calls cost the same",
    "corrected_before": "calls were corrected by this version before",
    "below_limit": "calls left: they would take their account below its limit (--force)",
    "month_closing": "calls left: their month is being closed; run it again when it is",
    "not_answered": "calls were not answered",
    "no_account": "calls belong to no customer",
    "caller_deleted": "calls left: who called was deleted, and the tariff asks for it",
    "no_version": "calls left: the tariff had no version yet",
}
