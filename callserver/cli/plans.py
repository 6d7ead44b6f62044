"""`callserver plans`: annual fees turned into call credit and included minutes."""

from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.arguments import amount, slug
from callserver.cli.days import OperationId, actor, day_or_none, operation
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import print_json

if TYPE_CHECKING:
    from callserver.domain.plans import PlanVersion, Subscription
    from callserver.service.office import Office
    from callserver.service.plans import DueReport

app = typer.Typer(no_args_is_help=True, help="Plans: annual fees for call credit and minutes.")

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="Its id, such as gold.")]
CustomerId = Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's id.")]
Years = Annotated[int, typer.Option("--years", min=1, max=3, help="Length of the term.")]
YUAN_MAX = 1_000_000
MINUTES_MAX = 10_000_000


@app.command()
def add(
    plan: PlanId,
    annual_fee: Annotated[str, typer.Option("--annual-fee", metavar="YUAN", help="For a year.")],
    credit: Annotated[
        str, typer.Option("--credit", metavar="YUAN", help="Call credit of a year.")
    ] = "0",
    minutes: Annotated[
        int, typer.Option("--minutes", min=0, max=MINUTES_MAX, help="Included minutes of a year.")
    ] = 0,
    rhythm: Annotated[
        str,
        typer.Option(
            "--per",
            help="year: fee and grant every year; term: all years' at the start.",
        ),
    ] = "year",
    tariff: Annotated[
        str | None, typer.Option("--tariff", metavar="ID", help="What calls cost meanwhile.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="For people.")] = "",
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day.  [default: today]")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Add a plan to the catalogue, or new terms of one from a day on."""
    from callserver.cli.opening import open_config, with_office
    from callserver.cli.plan_tables import print_versions, version_json
    from callserver.domain.money import MICROS_PER_YUAN
    from callserver.domain.plans import PlanVersion, Rhythm

    if rhythm not in set(Rhythm):
        raise typer.BadParameter("write year or term", param_hint="--per")
    most = YUAN_MAX * MICROS_PER_YUAN
    fee_micros = amount(annual_fee, "--annual-fee", most=most)
    credit_micros = amount(credit, "--credit", most=most)
    begins = day_or_none(from_day, "--from")
    id_ = slug(plan, "PLAN")

    async def work(office: "Office") -> "PlanVersion":
        wanted = PlanVersion(
            plan=id_,
            name=name or id_,
            version=0,
            effective_from=begins or office.plans.today(),
            annual_fee_micros=fee_micros,
            credit_micros=credit_micros,
            minutes=minutes,
            rhythm=Rhythm(rhythm),
            tariff=tariff,
        )
        return await office.plans.add(wanted, actor())

    added = with_office(open_config(config, data), work)
    if json:
        print_json(version_json(added))
    else:
        print_versions([added])


@app.command("list")
def list_plans(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Show the catalogue."""
    from callserver.cli.opening import open_config, with_office
    from callserver.cli.plan_tables import print_versions, version_json

    versions = with_office(open_config(config, data), lambda office: office.plans.catalogue())
    if json:
        print_json({"plans": [version_json(each) for each in versions]})
    else:
        print_versions(versions)


@app.command()
def subscribe(
    customer: CustomerId,
    plan: PlanId,
    years: Years = 1,
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day.  [default: today]")
    ] = None,
    auto_renew: Annotated[
        bool, typer.Option("--auto-renew", help="Begin the next term by itself.")
    ] = False,
    when_used_up: Annotated[
        bool, typer.Option("--renew-when-used-up", help="Also before the end, once it is used up.")
    ] = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Begin a plan today, its fee taken from the customer, or book it for a later day."""
    from callserver.cli.live_plans import with_live_plans
    from callserver.cli.opening import open_config
    from callserver.ports.plans import PlanOrder

    order = PlanOrder(
        slug(customer, "CUSTOMER"),
        slug(plan, "PLAN"),
        years,
        day_or_none(from_day, "--from"),
        auto_renew=auto_renew,
        renew_when_used_up=when_used_up,
    )
    id_ = operation(operation_id)
    found = with_live_plans(
        open_config(config, data), lambda office: office.plans.subscribe(order, id_, actor())
    )
    _show(found, json=json)


@app.command()
def renew(
    customer: CustomerId,
    now: Annotated[
        bool, typer.Option("--now", help="Begin today; what is left of this one runs out.")
    ] = False,
    years: Annotated[
        int | None, typer.Option("--years", min=1, max=3, help="[default: as before]")
    ] = None,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Book the next term for the day after this one; after its end, begin today."""
    from callserver.cli.live_plans import with_live_plans
    from callserver.cli.opening import open_config

    id_ = operation(operation_id)
    found = with_live_plans(
        open_config(config, data),
        lambda office: office.plans.renew(customer, id_, actor(), now=now, years=years),
    )
    _show(found, json=json)


@app.command()
def cancel(
    customer: CustomerId,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Over today: what is left lapses.")
    ] = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """No further year; the paid one runs to its end. Nothing is paid back."""
    from callserver.cli.live_plans import with_live_plans
    from callserver.cli.opening import open_config

    id_ = operation(operation_id)
    found = with_live_plans(
        open_config(config, data),
        lambda office: office.plans.cancel(customer, id_, actor(), at_once=at_once),
    )
    _show(found, json=json)


def _show(found: "Subscription", *, json: bool) -> None:
    from callserver.cli.plan_tables import print_subscriptions, subscription_json

    if json:
        print_json(subscription_json(found))
    else:
        print_subscriptions([found])


@app.command()
def show(
    customer: CustomerId,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show a customer's plans: terms, what is left, what happened."""
    from callserver.cli.opening import open_config, with_office
    from callserver.cli.plan_tables import print_view, view_json

    view = with_office(open_config(config, data), lambda office: office.plans.view(customer))
    if json:
        print_json(view_json(view))
    else:
        print_view(view)


@app.command("run-due")
def run_due(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Do what is due by today, as a running server does by itself; safe to repeat."""
    from callserver.cli.counting import counting
    from callserver.cli.live_plans import with_live_plans
    from callserver.cli.opening import open_config
    from callserver.domain.plans import PlanEvent

    async def work(office: "Office") -> "DueReport":
        with counting("customers") as told:
            return await office.plans.run_due(told)

    report = with_live_plans(open_config(config, data), work)
    events = [event for event in PlanEvent if report.count(event)]
    if json:
        print_json({event.value: report.done[event] for event in events})
        return
    for event in events:
        print(f"{event.value}: {', '.join(report.done[event])}")
    if not events:
        print("nothing is due")
