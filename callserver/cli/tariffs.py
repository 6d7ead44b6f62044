"""`callserver tariffs`: the tariffs in the books, with all their versions."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import slug
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from callserver.domain.business import Catalogue

app = typer.Typer(no_args_is_help=True, help="Tariffs; files bring them (`callserver import`).")
_CONDITIONS = ("provinces", "area_codes", "caller_kinds", "caller_prefixes", "destination_prefixes")


@app.command("list")
def list_tariffs(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """List tariffs and the terms in effect."""
    catalogue = _load(config, data)
    shapes = [_shape(catalogue, name) for name in catalogue.tariffs]
    if json:
        print_json({"tariffs": shapes})
        return
    rows = [
        (each["tariff"], str(len(each["versions"])), *_terms(version))
        for each in shapes
        for version in each["versions"]
        if version["in_effect"]
    ]
    columns = ("tariff", ">versions", ">rate", "increments", ">fee", ">minimum", ">cap", ">bands")
    print_table(columns, rows, "there are no tariffs in effect; import some")


@app.command()
def show(
    tariff: Annotated[str, typer.Argument(metavar="TARIFF")],
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show all versions of a tariff, with their bands."""
    name, catalogue = slug(tariff, "TARIFF"), _load(config, data)
    require_tariff(name, catalogue.tariffs)
    shape = _shape(catalogue, name)
    if json:
        print_json(shape)
        return
    for version in shape["versions"]:
        _print(version)


def require_tariff(name: str, tariffs: Collection[str]) -> None:
    """Raise Failed for a tariff that is not in the books: what it may be, where all stand."""
    from callserver.domain.near_word import did_you_mean

    if name not in tariffs:
        near = did_you_mean(name, tariffs) or ";"
        raise Failed(f"there is no tariff {name!r}{near} `callserver tariffs list` shows all")


def _load(config: "Path | None", data: "Path | None") -> "Catalogue":
    from callserver.cli.opening import open_config, with_books

    return with_books(open_config(config, data), lambda opened: opened.load_catalogue())


def _shape(catalogue: "Catalogue", name: str) -> dict[str, Any]:
    from callserver.adapters.http.tariff_shapes import tariff_shape

    return tariff_shape(name, catalogue.tariffs[name], time.time_ns() // 1_000_000)


def _terms(version: dict[str, Any]) -> tuple[str, ...]:
    return (
        _yuan(version["rate"]),
        f"{version['initial_increment_seconds']}/{version['increment_seconds']}",
        _yuan(version["connection_fee"]),
        _yuan(version["minimum_charge"]),
        _yuan(version["cap"]) if version["cap"] else "-",
        str(len(version["bands"])),
    )


def _yuan(money: dict[str, str]) -> str:
    from callserver.domain.money import parse_yuan, short_yuan

    return short_yuan(parse_yuan(money["amount"]))


def _print(version: dict[str, Any]) -> None:
    since = version["effective_from"] or "always"
    mark = ", in effect" if version["in_effect"] else ""
    rate, increments, fee, minimum, cap, _ = _terms(version)
    print(f"version {version['version']}, from {since}{mark}")
    print(f"  rate {rate}, increments {increments}, connection fee {fee}, minimum {minimum},")
    print(f"  cap {cap}, free {version['free_seconds']} s, to {_yuan(version['precision'])}")
    for band in version["bands"]:
        print(f"  {_band(band)}")


def _band(band: dict[str, Any]) -> str:
    named = f' "{band["name"]}"' if band["name"] else ""
    parts = [f"band {band['number']}{named}: rate {_yuan(band['rate'])}"]
    if band["from_time"]:
        parts.append(f"{band['from_time']}-{band['to_time']}")
    if band["days"]:
        parts.append(" ".join(band["days"]))
    parts += [f"{key} {' '.join(band[key])}" for key in _CONDITIONS if band[key]]
    return ", ".join(parts)
