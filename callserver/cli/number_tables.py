"""What `callserver numbers` prints for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from callserver.cli.instants import shown
from callserver.cli.output import print_table

if TYPE_CHECKING:
    from callserver.domain.intent_form import IntentForm
    from callserver.domain.lifecycle import NumberRecord
    from callserver.domain.number_application import Application
    from callserver.domain.number_change import NumberChange
    from callserver.domain.opening import OpeningItem


def print_numbers(records: "Sequence[NumberRecord]") -> None:
    """Numbers as they stand."""
    from callserver.domain.money import short_yuan

    rows = [
        (
            record.number,
            record.state.value,
            record.class_name or "-",
            "special" if record.special else "ordinary",
            short_yuan(record.price_micros),
            record.provider or "-",
            record.customer or "-",
            shown(record.until_ms or 0),
        )
        for record in records
    ]
    columns = ["number", "state", "class", "kind", ">price", "provider", "customer", "until"]
    print_table(columns, rows, empty="no number fits")


def print_history(changes: "Sequence[NumberChange]") -> None:
    """What has happened, the oldest first."""
    rows = [
        (
            shown(change.at_ms),
            change.event.value,
            change.from_state.value if change.from_state else "-",
            change.to_state.value,
            change.provider or "-",
            change.customer or "-",
            change.actor,
            " ".join(filter(None, (change.suspension or "", change.reason))) or "-",
        )
        for change in changes
    ]
    columns = ["at", "event", "from", "to", "provider", "customer", "actor", "reason"]
    print_table(columns, rows, empty="nothing has happened to this number yet")


def print_applications(applications: "Sequence[Application]") -> None:
    """Applications, the newest first."""
    rows = [
        (
            str(each.id),
            each.number,
            each.provider,
            each.customer or "-",
            each.state.value if each.state else f"ended: {each.ended_by}",
            shown(each.reserved_ms),
            shown(each.until_ms or 0),
        )
        for each in applications
    ]
    columns = [">id", "number", "provider", "customer", "state", "reserved", "until"]
    print_table(columns, rows, empty="no application")


def print_change(change: "NumberChange") -> None:
    """What a command has done, in a line."""
    text = f"{change.number}: {change.from_state or 'new'} -> {change.to_state}"
    if change.from_state is change.to_state:
        text = f"{change.number}: {change.event} done, still {change.to_state}"
    if change.until_ms:
        text += f", until {shown(change.until_ms)}"
    if change.application:
        text += f" (application {change.application})"
    print(text)


def print_items(items: "Sequence[OpeningItem]") -> None:
    """What was chosen with a number, once it is open: a line each."""
    said = {
        "due": "not on yet",
        "done": "switched on",
        "already": "was on already",
        "refused": "refused",
    }
    for item in items:
        if item.state.value in said:
            why = f": {item.detail}" if item.detail else ""
            print(f"{item.kind.value:<9} {item.name}  {said[item.state.value]}{why}")


def print_number(record: "NumberRecord", application: "Application | None") -> None:
    """A number, and how far its application has come."""
    from callserver.domain.money import short_yuan
    from callserver.domain.number_application import steps_of

    kind = f"special {record.class_name}" if record.special else "ordinary"
    print(f"{record.number}  {kind}  {short_yuan(record.price_micros)} yuan")
    print(f"state     {record.state.value} since {shown(record.since_ms)}{_until(record)}")
    if record.suspensions:
        print(f"suspended for {', '.join(sorted(record.suspensions))}")
    if record.provider:
        print(f"provider  {record.provider}   customer  {record.customer or '-'}")
    if application is None:
        return
    chosen = ", ".join(application.features) or "-"
    print(f"\napplication {application.id}   features  {chosen}   plan  {application.plan or '-'}")
    rows = [
        (
            str(place),
            step.name,
            step.state.value,
            shown(step.at_ms or 0),
            "; ".join(step.missing) or "-",
        )
        for place, step in enumerate(steps_of(application), 1)
    ]
    print_table([">step", "what", "state", "at", "missing"], rows, empty="")
    print_items(application.opening)
    for each in application.materials:
        print(f"material  {each.kind}  {each.reference}  sha256 {each.digest[:16]}…")
    if application.ended_ms:
        print(f"ended by {application.ended_by} at {shown(application.ended_ms)}")


def _until(record: "NumberRecord") -> str:
    return f", until {shown(record.until_ms)}" if record.until_ms else ""


def print_form(form: "IntentForm | None") -> None:
    """What the intent form says."""
    from dataclasses import asdict

    if form is None:
        print("the intent form has been deleted")
        return
    for field, text in asdict(form).items():
        if text:
            print(f"{field:<12}{text}")
