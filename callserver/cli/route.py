"""`callserver route`: where a call would go, and every step that led there."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import instant_or_now
from callserver.cli.options import At, ConfigFile, DataFolder, Json
from callserver.cli.output import print_json

if TYPE_CHECKING:
    from callserver.config import Config
    from callserver.domain.caller import Caller
    from callserver.domain.region import Region
    from callserver.domain.routing import Decision

_MARKS = {"passed": "✓", "refused": "✗", "skipped": "-"}


def route(
    did: Annotated[str, typer.Argument(metavar="DID", help="The dialled 400 number.")],
    caller: Annotated[
        str, typer.Option("--from", metavar="CALLER", help="The caller as a trunk presents it.")
    ] = "",
    at: At = None,
    area_code: Annotated[
        str | None,
        typer.Option(help="Area code of the trunk.  [default: of the only [[asterisk]]]"),
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show where a call would go, and why.

    Limits and credit are shared by live calls and are checked when a call arrives, not here.
    """
    from callserver.cli.opening import open_config, with_books
    from callserver.domain.caller import normalise
    from callserver.domain.number import is_area_code, is_did
    from callserver.domain.routing import decide
    from callserver.start_files import load_regions

    if not is_did(did):
        raise typer.BadParameter(f"{did!r} is not 400 and seven digits", param_hint="DID")
    if area_code and not is_area_code(area_code):
        raise typer.BadParameter(
            f"{area_code!r} is not an area code, such as 010 or 0571", param_hint="--area-code"
        )
    at_ms = instant_or_now(at, "--at")
    settings = open_config(config, data)
    trunk = area_code if area_code is not None else _only_area_code(settings)
    found = normalise(caller, trunk or None, load_regions())
    catalogue = with_books(settings, lambda books: books.load_catalogue())
    decision = decide(catalogue, did, found, at_ms)
    if json:
        print_json(_json(did, found, at_ms, decision))
    else:
        _print(did, found, decision)


def _only_area_code(config: "Config") -> str:
    codes = {pbx.area_code for pbx in config.asterisk}
    return codes.pop() if len(codes) == 1 else ""


def _print(did: str, caller: "Caller", decision: "Decision") -> None:
    place = f", {_place(caller.region)}" if caller.region else ""
    print(f"{did} from {caller.number or 'withheld'} ({caller.kind.value}{place})")
    for step in decision.steps:
        print(f"  {_MARKS[step.outcome.value]} {step.name}: {step.detail}")
    if decision.refusal is not None:
        print(f"refused: {decision.refusal.value}, hangup cause {_cause(decision)}")
    for number, line in enumerate(decision.lines, 1):
        limit = f", at most {line.calls_max} calls" if line.calls_max else ""
        print(f"line {number}: {line.number} by {line.trunk}, rings {line.ring_s} s{limit}")


def _place(region: "Region") -> str:
    """`浙江 杭州`, and `北京` alone."""
    if region.city == region.province:
        return region.city
    return f"{region.province} {region.city}"


def _cause(decision: "Decision") -> int | None:
    from callserver.domain.refusal import hangup_cause

    return None if decision.refusal is None else hangup_cause(decision.refusal)


def _json(did: str, caller: "Caller", at_ms: int, decision: "Decision") -> dict[str, Any]:
    from callserver.cli.instants import instant_text

    region = caller.region
    return {
        "did": did,
        "at": instant_text(at_ms),
        "caller": {
            "number": caller.number,
            "kind": caller.kind.value,
            "region": region
            and {"province": region.province, "city": region.city, "area_code": region.area_code},
        },
        "routed": decision.refusal is None,
        "refusal": decision.refusal.value if decision.refusal else None,
        "hangup_cause": _cause(decision),
        "customer": decision.customer.id if decision.customer else None,
        "tariff": decision.tariff.tariff if decision.tariff else None,
        "tariff_version": decision.tariff.version if decision.tariff else None,
        "lines": [
            {
                "line": number,
                "destination": line.number,
                "trunk": line.trunk,
                "ring_s": line.ring_s,
                "calls_max": line.calls_max,
            }
            for number, line in enumerate(decision.lines, 1)
        ],
        "steps": [
            {"name": step.name, "outcome": step.outcome.value, "detail": step.detail}
            for step in decision.steps
        ],
    }
