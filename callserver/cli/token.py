"""`callserver token`: bearer tokens of the HTTP API."""

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import slug
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, message, print_json, print_table
from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of

if TYPE_CHECKING:
    from callserver.adapters.sql.books import SqlBooks
    from callserver.domain.api_token import ApiToken

app = typer.Typer(no_args_is_help=True, help="Bearer tokens of the HTTP API.")


@app.command()
def create(
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="May see this customer only.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(metavar="ID", help="May see this provider's customers.")
    ] = None,
    noc: Annotated[bool, typer.Option("--noc", help="May see all calls.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May see and do everything.")] = False,
    label: Annotated[str, typer.Option(help="Whose it is.")] = "",
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Make a token and print it, this once; only its digest is kept."""
    from callserver.cli.opening import open_config, with_books

    scope, subject = _scope(customer, provider, noc, admin)
    secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    settings = open_config(config, data)

    async def keep(books: "SqlBooks") -> "ApiToken":
        await _require_subject(books, scope, subject)
        return await books.create_token(digest_of(secret), scope, subject, label)

    token = with_books(settings, keep)
    if json:
        print_json(_json(token) | {"token": secret})
        return
    message(f"token {token.id}, {_whose(token)}; it is not shown again:")
    print(secret)


def _scope(
    customer: str | None, provider: str | None, noc: bool, admin: bool
) -> "tuple[Scope, str]":
    wanted: list[tuple[Scope, str]] = []
    if customer is not None:
        wanted.append((Scope.CUSTOMER, slug(customer, "--customer")))
    if provider is not None:
        wanted.append((Scope.PROVIDER, slug(provider, "--provider")))
    wanted += [(Scope.NOC, "")] if noc else []
    wanted += [(Scope.ADMIN, "")] if admin else []
    if len(wanted) != 1:
        raise typer.BadParameter("give one of --customer, --provider, --noc and --admin")
    return wanted[0]


async def _require_subject(books: "SqlBooks", scope: Scope, subject: str) -> None:
    if not subject:
        return
    catalogue = await books.load_catalogue()
    known = catalogue.customers if scope is Scope.CUSTOMER else catalogue.providers
    if subject not in known:
        raise Failed(f"there is no {scope.value} {subject!r}")


@app.command("list")
def list_tokens(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """List the tokens, revoked ones too; the secrets are not kept."""
    from callserver.cli.instants import shown
    from callserver.cli.opening import open_config, with_books

    tokens = with_books(open_config(config, data), lambda books: books.list_tokens())
    if json:
        print_json({"tokens": [_json(token) for token in tokens]})
        return
    rows = [
        (
            str(token.id),
            token.scope.value,
            token.subject,
            token.label,
            shown(token.created_ms),
            shown(token.revoked_ms or 0),
        )
        for token in tokens
    ]
    columns = [">id", "scope", "subject", "label", "created", "revoked"]
    print_table(columns, rows, empty="no tokens yet")


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(metavar="ID", min=1, help="As `token list` shows.")],
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """End a token."""
    from callserver.cli.opening import open_config, with_books

    settings = open_config(config, data)
    if not with_books(settings, lambda books: books.revoke_token(token_id)):
        raise Failed(f"there is no token {token_id}, or it was revoked before")
    if json:
        print_json({"revoked": token_id})
    else:
        print(f"token {token_id} is revoked")


def _whose(token: "ApiToken") -> str:
    return f"{token.scope.value} {token.subject}".strip()


def _json(token: "ApiToken") -> dict[str, Any]:
    from callserver.cli.instants import instant_text

    return {
        "id": token.id,
        "scope": token.scope.value,
        "subject": token.subject or None,
        "label": token.label,
        "created": instant_text(token.created_ms),
        "revoked": instant_text(token.revoked_ms or 0),
    }
