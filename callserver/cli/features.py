"""`callserver features`: paid features of numbers [R2]; the provider pays, never the customer."""

from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.arguments import amount, slug
from callserver.cli.days import OperationId, actor, day_or_none, operation
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import print_json

if TYPE_CHECKING:
    from callserver.domain.features import Activation, DisputeNote, FeatureVersion
    from callserver.service.features import RenewalReport
    from callserver.service.office import Office

app = typer.Typer(no_args_is_help=True, help="Paid features of numbers; their providers pay.")

Feature = Annotated[str, typer.Argument(metavar="FEATURE", help="Its id, such as recording.")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="A 400 number.")]
ActivationId = Annotated[int, typer.Argument(metavar="ID", help="As `features list` shows it.")]
OfProvider = Annotated[str | None, typer.Option("--provider", metavar="ID", help="Only its own.")]
OfNumber = Annotated[str | None, typer.Option("--number", metavar="NUMBER", help="Only this one.")]
FEE_YUAN_MAX = 1_000_000


@app.command()
def add(
    feature: Feature,
    fee: Annotated[str, typer.Option("--fee", metavar="YUAN", help="For each period.")],
    cycle: Annotated[str, typer.Option("--cycle", help="once, month or year.")] = "month",
    name: Annotated[str, typer.Option("--name", help="For people.")] = "",
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day.  [default: today]")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Add a feature to the catalogue, or a new fee of one from a day on."""
    from callserver.cli.feature_tables import print_versions, version_json
    from callserver.cli.opening import open_config, with_office
    from callserver.domain.features import FeatureVersion
    from callserver.domain.money import MICROS_PER_YUAN
    from callserver.domain.periods import Cycle

    if cycle not in set(Cycle):
        raise typer.BadParameter("write once, month or year", param_hint="--cycle")
    micros = amount(fee, "--fee", most=FEE_YUAN_MAX * MICROS_PER_YUAN)
    begins = day_or_none(from_day, "--from")

    async def work(office: "Office") -> "FeatureVersion":
        first_day = begins or office.features.today()
        id_ = slug(feature, "FEATURE")
        wanted = FeatureVersion(id_, name or id_, Cycle(cycle), 0, first_day, micros)
        return await office.features.add(wanted, actor())

    added = with_office(open_config(config, data), work)
    if json:
        print_json(version_json(added))
    else:
        print_versions([added])


@app.command("list")
def list_features(
    number: OfNumber = None,
    provider: OfProvider = None,
    on: Annotated[bool, typer.Option("--on", help="What is on, not the catalogue.")] = False,
    ended: Annotated[bool, typer.Option("--all", help="With --on: also what is over.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show the catalogue; with --on, --number or --provider what is switched on."""
    from callserver.cli import feature_tables as tables
    from callserver.cli.opening import open_config, with_office
    from callserver.ports.features import ActivationQuery

    settings = open_config(config, data)
    if not (on or ended or number or provider):
        versions = with_office(settings, lambda office: office.features.catalogue())
        if json:
            print_json({"features": [tables.version_json(each) for each in versions]})
        else:
            tables.print_versions(versions)
        return
    providers = frozenset((provider,)) if provider else None
    query = ActivationQuery(did=number, providers=providers, ended=ended)
    found = with_office(settings, lambda office: office.features.activations(query))
    if json:
        print_json({"activations": [tables.activation_json(each) for each in found]})
    else:
        tables.print_activations(found)


@app.command()
def activate(
    number: Number,
    feature: Feature,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Switch a feature on: the fee is taken from the provider today."""
    from callserver.cli.opening import open_config, with_office

    id_ = operation(operation_id)
    found = with_office(
        open_config(config, data),
        lambda office: office.features.activate(number, feature, id_, actor()),
    )
    _show(found, json=json)


@app.command()
def deactivate(
    activation: ActivationId,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Switch a feature off at once; what was paid is not paid back."""
    from callserver.cli.opening import open_config, with_office

    id_ = operation(operation_id)
    found = with_office(
        open_config(config, data),
        lambda office: office.features.deactivate(activation, id_, actor()),
    )
    _show(found, json=json)


@app.command()
def fail(
    activation: ActivationId,
    reason: Annotated[str, typer.Option("--reason", help="Kept in its history.")],
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Say that a feature never worked: its fee goes back to the provider by a new entry."""
    from callserver.cli.opening import open_config, with_office

    id_ = operation(operation_id)
    found = with_office(
        open_config(config, data),
        lambda office: office.features.fail(activation, reason, id_, actor()),
    )
    _show(found, json=json)


def _show(found: "Activation", *, json: bool) -> None:
    from callserver.cli.feature_tables import activation_json, print_activations

    if json:
        print_json(activation_json(found))
    else:
        print_activations([found])


@app.command()
def renew(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Take the fees that are due by today, as a running server does by itself; safe to repeat."""
    from callserver.cli.counting import counting
    from callserver.cli.opening import open_config, with_office
    from callserver.domain.features import FeatureEvent

    async def work(office: "Office") -> "RenewalReport":
        with counting("features") as told:
            return await office.features.renew_due(told)

    report = with_office(open_config(config, data), work)
    steps = [event for event in FeatureEvent if report.count(event)]
    if json:
        print_json({event.value: report.done[event] for event in steps})
        return
    for event in steps:
        print(f"{event.value}: {report.count(event)}")
    if not steps:
        print("nothing is due")


@app.command()
def deductions(
    provider: OfProvider = None,
    number: OfNumber = None,
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day.")
    ] = None,
    to_day: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 1000,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show what was taken from providers, item by item, the newest first."""
    from callserver.cli.feature_tables import deduction_json, print_deductions
    from callserver.cli.opening import open_config, with_office
    from callserver.ports.features import DeductionQuery

    query = DeductionQuery(
        providers=frozenset((provider,)) if provider else None,
        did=number,
        from_day=day_or_none(from_day, "--from"),
        to_day=day_or_none(to_day, "--to"),
        limit=limit,
    )
    rows = with_office(open_config(config, data), lambda office: office.features.deductions(query))
    if json:
        print_json({"deductions": [deduction_json(row) for row in rows]})
    else:
        print_deductions(rows)


@app.command()
def dispute(
    deduction: Annotated[int, typer.Argument(metavar="ID", help="A deduction.")],
    note: Annotated[str | None, typer.Option("--note", help="What is to be said.")] = None,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="It is settled, by this note.")
    ] = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Note that a deduction is disputed, add to it, or resolve it; without --note, show it."""
    from callserver.cli.feature_tables import note_json
    from callserver.cli.instants import shown
    from callserver.cli.opening import open_config, with_office

    if resolve and not note:
        raise typer.BadParameter("say how it was settled", param_hint="--note")
    id_ = operation(operation_id)

    async def work(office: "Office") -> "list[DisputeNote]":
        if note:
            await office.features.dispute(deduction, note, id_, actor(), resolves=resolve)
        return await office.features.notes(deduction)

    notes = with_office(open_config(config, data), work)
    if json:
        print_json({"notes": [note_json(each) for each in notes]})
        return
    for each in notes:
        print(f"{shown(each.created_ms)} {each.step.value}: {each.text} ({each.actor})")
    if not notes:
        print("nobody disputes it")
