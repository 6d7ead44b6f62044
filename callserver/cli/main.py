"""The commands, put together."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from callserver.cli import (
    account_looks,
    account_moves,
    accounts,
    calls,
    cdr,
    customers_overdue,
    db,
    features,
    minimums,
    months,
    numbers,
    plans,
    providers,
    retention,
    tariffs,
    token,
)
from callserver.cli.bill import show_bill
from callserver.cli.business import export_business, import_business
from callserver.cli.check import check, doctor
from callserver.cli.demo import demo
from callserver.cli.output import EXIT_FAILED, Failed, message
from callserver.cli.rate import rate
from callserver.cli.reconcile import reconcile
from callserver.cli.rerate import rerate
from callserver.cli.route import route
from callserver.cli.serve import serve
from callserver.config_error import EXIT_BAD_CONFIG, ConfigError
from callserver.domain.declined import Declined


class _Commands(TyperGroup):
    """Turns the faults that commands report into messages and exit statuses."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as wrong:
            # typer hands on the text of pydantic's check of a Literal as it is
            wrong.message = wrong.message.removeprefix("Value error, ")
            raise
        except ConfigError as fault:
            message(str(fault))
            raise typer.Exit(EXIT_BAD_CONFIG) from None
        except (Failed, Declined) as fault:
            message(f"callserver: {fault}")
            raise typer.Exit(EXIT_FAILED) from None


app = typer.Typer(
    name="callserver",
    cls=_Commands,
    no_args_is_help=True,
    help="Call routing and live rating for China's 400 numbers on Asterisk.",
    epilog="Exit status: 0 done, 1 a check failed or the work could not be done, 2 wrong usage, "
    "78 bad configuration.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,  # they would show local variables, secrets among them
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"callserver {version('callserver')}")
        raise typer.Exit


@app.callback()
def _main(
    _wanted: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Call routing and live rating for China's 400 numbers on Asterisk."""


app.command()(serve)
app.command()(demo)
app.command()(check)
app.command()(doctor)
app.command()(route)
app.command()(rate)
app.command("import")(import_business)
app.command("export")(export_business)
for commands in (account_looks, account_moves):  # importing them added them to it
    assert commands.app is accounts.app
app.add_typer(accounts.app, name="accounts")
app.add_typer(calls.app, name="calls")
cdr.app.command("rerate")(rerate)
cdr.app.command("purge")(retention.purge)
cdr.app.command("dispute")(retention.dispute)
cdr.app.command("disputes")(retention.disputes)
cdr.app.command("regions")(retention.regions)
app.add_typer(cdr.app, name="cdr")
app.add_typer(providers.app, name="providers")
providers.customers.command("overdue")(customers_overdue.overdue)
app.add_typer(providers.customers, name="customers")
app.add_typer(tariffs.app, name="tariffs")
app.add_typer(token.app, name="token")
app.command()(reconcile)
app.add_typer(features.app, name="features")
app.add_typer(plans.app, name="plans")
app.add_typer(numbers.app, name="numbers")
app.add_typer(minimums.app, name="minimums")
app.add_typer(months.app, name="months")
app.command("bill")(show_bill)
app.add_typer(db.app, name="db")
