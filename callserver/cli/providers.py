"""`callserver providers` and `callserver customers`: resellers' trees, and what they earn."""

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from callserver.cli.arguments import month as month_of
from callserver.cli.arguments import slug
from callserver.cli.days import actor
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import message, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from callserver.adapters.sql.books import SqlBooks
    from callserver.domain.business import Catalogue, Did, Provider
    from callserver.domain.provider_report import CustomerLine, ProviderLine, ProviderTotal
    from callserver.ports.providers import Commission, PostedCommission
    from callserver.service.office import Office
    from callserver.service.providers import ProviderReport

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Resellers: their trees, reports and commissions.")
customers = typer.Typer(no_args_is_help=True, help="Customers: who they are and what they have.")

ProviderId = Annotated[str, typer.Argument(metavar="PROVIDER")]
AnyProvider = Annotated[
    str | None, typer.Argument(metavar="[PROVIDER]", help="With all below it.  [default: all]")
]
OfTree = Annotated[
    str | None, typer.Option("--provider", metavar="ID", help="Only of this provider's tree.")
]
Month = Annotated[
    str | None, typer.Option(metavar="MONTH", help="In Shanghai.  [default: the running one]")
]


def with_catalogue(
    config: "Path | None",
    data: "Path | None",
    work: "Callable[[Office, Catalogue], Awaitable[T]]",
) -> T:
    from callserver.back_office import build_office
    from callserver.cli.opening import open_config, with_books

    settings = open_config(config, data)

    async def run(books: "SqlBooks") -> T:
        return await work(build_office(books, settings), await books.load_catalogue())

    return with_books(settings, run)


@app.command("list")
def list_providers(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """List providers, each under the one above it."""
    from callserver.adapters.http.provider_shapes import provider_shape
    from callserver.domain.provider_report import in_order

    async def work(_office: "Office", catalogue: "Catalogue") -> "Catalogue":
        return catalogue

    catalogue = with_catalogue(config, data, work)
    found = list(in_order(catalogue.providers, None))
    if json:
        print_json({"providers": [provider_shape(each, each.parent) for _, each in found]})
        return
    rows = [
        (
            "  " * depth + each.id,
            each.tariff or "-",
            each.cost_tariff or "-",
            each.commission or "-",
            each.name,
        )
        for depth, each in found
    ]
    columns = ["provider", "retail", "wholesale", "commission", "name"]
    print_table(columns, rows, empty="no providers")


@app.command()
def tree(
    provider: AnyProvider = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show who is below whom, and whose customers they have."""
    from callserver.domain.provider_report import in_order
    from callserver.service.providers import find_provider

    async def work(_office: "Office", catalogue: "Catalogue") -> "Catalogue":
        return catalogue

    catalogue = with_catalogue(config, data, work)
    if provider is not None:
        find_provider(catalogue, provider)
    owned: dict[str, list[str]] = {}
    for customer in sorted(catalogue.customers.values(), key=lambda customer: customer.id):
        owned.setdefault(customer.provider, []).append(customer.id)
    found = list(in_order(catalogue.providers, provider))
    if json:
        print_json(
            {
                "tree": [
                    {"provider": each.id, "depth": depth, "customers": owned.get(each.id, [])}
                    for depth, each in found
                ]
            }
        )
        return
    for depth, each in found:
        listed = owned.get(each.id, [])
        of = f": {', '.join(listed[:8])}{', …' if len(listed) > 8 else ''}" if listed else ""
        print(f"{'  ' * depth}{each.id} ({len(listed)} customers){of}")


@app.command()
def show(
    provider: ProviderId, config: ConfigFile = None, data: DataFolder = None, json: Json = False
) -> None:
    """Show one provider: terms, account and what it was paid."""
    from callserver.adapters.http.provider_shapes import commission_shape, provider_shape
    from callserver.domain.money import money_json, short_yuan
    from callserver.service.providers import find_provider

    async def work(
        office: "Office", catalogue: "Catalogue"
    ) -> "tuple[Provider, int, list[PostedCommission]]":
        found = find_provider(catalogue, slug(provider, "PROVIDER"))
        return (
            found,
            await office.providers.balance(found.id),
            await office.providers.posted(frozenset((found.id,))),
        )

    found, balance, posted = with_catalogue(config, data, work)
    if json:
        print_json(
            {
                **provider_shape(found, found.parent),
                "settled": money_json(balance),
                "commissions": [commission_shape(each) for each in posted],
            }
        )
        return
    print(f"{found.id}: {found.name}")
    print(f"below: {found.parent or 'nobody'}")
    print(f"retail tariff: {found.tariff or '-'}, wholesale tariff: {found.cost_tariff or '-'}")
    print(f"commission: {found.commission or 'none'}")
    print(f"account provider:{found.id}: {short_yuan(balance)} yuan")
    for each in posted:
        print(f"commission of {each.month}: {short_yuan(each.amount_micros)} yuan")


@app.command()
def report(
    provider: AnyProvider = None,
    month: Month = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Customers, numbers, balances, the month's calls, margin and commission of a tree."""
    from callserver.adapters.http.month_shapes import minutes_text
    from callserver.adapters.http.provider_shapes import report_shape
    from callserver.domain.business import NumberState
    from callserver.domain.money import short_yuan

    wanted = month_of(month, "--month") if month else None

    async def work(office: "Office", catalogue: "Catalogue") -> "ProviderReport":
        in_month = wanted or office.providers.this_month()
        return await office.providers.report(catalogue, provider, in_month)

    found = with_catalogue(config, data, work)
    if json:
        print_json(report_shape(found))
        return

    def row(name: str, each: "ProviderLine | ProviderTotal") -> tuple[str, ...]:
        return (
            name,
            str(each.customers),
            str(each.numbers.get(NumberState.ACTIVE, 0)),
            short_yuan(each.customers_micros),
            short_yuan(each.balance_micros),
            str(each.usage.calls),
            minutes_text(each.usage.billsec),
            short_yuan(each.usage.fees_micros),
            short_yuan(each.usage.cost_micros),
            short_yuan(each.usage.margin_micros),
            short_yuan(each.commission_micros),
        )

    rows = [row("  " * each.depth + each.provider.id, each) for each in found.lines]
    rows.append(row("total", found.total))
    columns = [
        "provider", ">customers", ">active", ">customers have", ">own account", ">calls",
        ">talk min", ">fees", ">wholesale", ">margin", ">commission",
    ]  # fmt: skip
    print_table(columns, rows, empty="no providers")
    message(f"{found.month}{', still running' if found.running else ''}")


@app.command()
def commissions(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="That is over, such as 2026-11.")],
    post: Annotated[bool, typer.Option("--post", help="Put them on the accounts.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Work out every provider's commission of a month, and post it with --post.

    Posting again posts only what calls that arrived late have changed.
    """
    from callserver.domain.money import money_json, short_yuan

    wanted = month_of(month, "MONTH")

    async def work(office: "Office", catalogue: "Catalogue") -> "list[Commission]":
        return await office.providers.commissions(catalogue, wanted, actor(), post=post)

    found = with_catalogue(config, data, work)
    if json:
        print_json(
            {
                "month": str(wanted),
                "posted": post,
                "commissions": [
                    {
                        "provider": each.provider,
                        "earned": money_json(each.earned.micros),
                        "posted_before": money_json(each.posted_micros),
                        "amount": money_json(each.amount_micros),
                        "lines": each.earned.lines,
                    }
                    for each in found
                ],
            }
        )
        return
    rows = [
        (
            each.provider,
            short_yuan(each.earned.micros),
            short_yuan(each.posted_micros),
            short_yuan(each.amount_micros),
            "; ".join(each.earned.lines),
        )
        for each in found
        if each.earned.micros or each.amount_micros
    ]
    columns = ["provider", ">earned", ">posted before", ">posted now" if post else ">to post"]
    print_table([*columns, "how"], rows, empty=f"no commissions in {wanted}")


@customers.command("list")
def list_customers(
    provider: OfTree = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List customers with their numbers and what has settled on their accounts."""
    from callserver.adapters.http.provider_shapes import customer_shape

    async def work(office: "Office", catalogue: "Catalogue") -> "list[CustomerLine]":
        return await office.providers.customers(catalogue, provider)

    found = with_catalogue(config, data, work)
    if json:
        print_json({"customers": [customer_shape(each) for each in found]})
        return
    _print_customers(found)


@customers.command("show")
def show_customer(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER")],
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show one customer with its numbers."""
    from callserver.adapters.http.provider_shapes import customer_shape
    from callserver.service.providers import find_customer

    async def work(office: "Office", catalogue: "Catalogue") -> "tuple[CustomerLine, list[Did]]":
        found = find_customer(catalogue, slug(customer, "CUSTOMER"))
        dids = [each for each in catalogue.dids.values() if each.customer == found.id]
        return await office.providers.customer(catalogue, found), dids

    line, dids = with_catalogue(config, data, work)
    if json:
        listed = [{"did": each.number, "state": each.state.value} for each in dids]
        print_json({**customer_shape(line), "dids": listed})
        return
    _print_customers([line])
    for each in dids:
        print(f"{each.number} {each.state}")


def _print_customers(found: "list[CustomerLine]") -> None:
    from callserver.domain.money import short_yuan

    rows = [
        (
            line.customer.id,
            line.customer.provider,
            line.customer.tariff or "-",
            line.customer.billing.value,
            short_yuan(line.customer.floor_micros),
            short_yuan(line.settled_micros),
            str(sum(line.numbers.values())),
            line.customer.name,
        )
        for line in found
    ]
    columns = [
        "customer",
        "provider",
        "tariff",
        "billing",
        ">limit",
        ">settled",
        ">numbers",
        "name",
    ]
    print_table(columns, rows, empty="no customers")
