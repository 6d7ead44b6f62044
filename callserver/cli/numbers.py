"""`callserver numbers`: the life of 400 numbers [R3]."""

import typer

from callserver.cli import number_looks, number_steps

app = typer.Typer(
    no_args_is_help=True, help="Numbers: search, reserve, lock, open, suspend, close."
)

for command in (
    number_looks.search,
    number_looks.add,
    number_steps.reserve,
    number_steps.cancel,
    number_steps.lock,
    number_steps.drop,
    number_steps.submit,
    number_steps.approve,
    number_steps.reject,
    number_steps.activate,
    number_steps.suspend,
    number_steps.resume,
    number_steps.close,
    number_looks.show,
    number_looks.history,
    number_looks.applications,
    number_looks.purge,
):
    app.command()(command)
