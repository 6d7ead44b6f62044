"""[R3] What is switched on when a number opens: the features and the plan of its application."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ItemKind(StrEnum):
    """What may be chosen with a number."""

    FEATURE = "feature"
    PLAN = "plan"


class ItemState(StrEnum):
    """How something that was chosen stands."""

    CHOSEN = "chosen"
    """Noted; the number has not opened."""
    DUE = "due"
    """The number is open, and nobody has come to this yet."""
    DONE = "done"
    """The opening switched it on."""
    ALREADY = "already"
    """It ran, or was switched on by hand: nothing was paid for it here."""
    REFUSED = "refused"
    """A rule said no; it waits until somebody asks again."""


UNFINISHED = (ItemState.CHOSEN, ItemState.DUE, ItemState.REFUSED)


@dataclass(frozen=True, slots=True)
class OpeningItem:
    """A chosen feature or plan. `reason` and `detail`: why it was refused; `at_ms`: when last
    tried, UTC milliseconds, None: never."""

    kind: ItemKind
    name: str
    state: ItemState = ItemState.CHOSEN
    reason: str = ""
    detail: str = ""
    at_ms: int | None = None

    @property
    def unfinished(self) -> bool:
        """Whether it is still to be switched on."""
        return self.state in UNFINISHED

    def operation_id(self, application: int) -> str:
        """Under which it is switched on: however often that is tried, it is paid for once."""
        if self.kind is ItemKind.PLAN:
            return f"application:{application}:plan"
        return f"application:{application}:feature:{self.name}"


def chosen(features: Iterable[str], plan: str) -> tuple[OpeningItem, ...]:
    """Features in their order, each once, then the plan."""
    items = [OpeningItem(ItemKind.FEATURE, name) for name in dict.fromkeys(features)]
    if plan:
        items.append(OpeningItem(ItemKind.PLAN, plan))
    return tuple(items)
