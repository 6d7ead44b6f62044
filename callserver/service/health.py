"""Whether the server can take calls, and if not, which part is missing and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from callserver.ports import Clock

log = structlog.get_logger()

NEEDED = ("redis", "database", "ami")


class ComponentState(StrEnum):
    """STARTING has not reported yet."""

    OK = "ok"
    DOWN = "down"
    STARTING = "starting"


@dataclass(frozen=True, slots=True)
class Component:
    """A part and how it is. `since_us`: when it came into this state; `reason` is empty if ok."""

    name: str
    state: ComponentState
    reason: str
    since_us: int

    @property
    def kind(self) -> str:
        """`ami` of `ami:pbx1`: of several of one kind one is enough."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Readiness:
    """`reasons` says, per kind that is needed and missing, what is wrong."""

    ready: bool
    reasons: dict[str, str]
    components: tuple[Component, ...]


class Health:
    """Parts register and report; nothing here asks them. Ready: one of each needed kind is ok."""

    def __init__(self, clock: Clock, needed: Sequence[str] = NEEDED) -> None:
        self._clock = clock
        self._needed = tuple(needed)
        self._components: dict[str, Component] = {}

    def register(self, name: str, reason: str = "has not reported yet") -> None:
        """Name a part, `kind` or `kind:which`; it counts as starting until it reports."""
        self._components[name] = Component(
            name, ComponentState.STARTING, reason, self._clock.now_us()
        )

    def ok(self, name: str) -> None:
        """The part works."""
        self.report(name, ComponentState.OK)

    def down(self, name: str, reason: str) -> None:
        """The part does not work; the reason is for people and holds no secret."""
        self.report(name, ComponentState.DOWN, reason)

    def report(self, name: str, state: ComponentState, reason: str = "") -> None:
        """Note how a part is; `since` changes with the state only. KeyError if not registered."""
        before = self._components[name]
        if (before.state, before.reason) == (state, reason):
            return
        changed = before.state is not state
        since_us = self._clock.now_us() if changed else before.since_us
        self._components[name] = Component(name, state, reason, since_us)
        if changed:
            log.info("health.changed", component=name, state=state.value, reason=reason)

    @property
    def components(self) -> tuple[Component, ...]:
        """All parts, by name."""
        return tuple(self._components[name] for name in sorted(self._components))

    def readiness(self) -> Readiness:
        """The whole, as /readyz shows it."""
        reasons = {kind: why for kind in self._needed if (why := self._missing(kind))}
        return Readiness(ready=not reasons, reasons=reasons, components=self.components)

    def _missing(self, kind: str) -> str:
        """Why nothing of this kind works; empty if something does."""
        parts = [part for part in self.components if part.kind == kind]
        if any(part.state is ComponentState.OK for part in parts):
            return ""
        if not parts:
            return f"no {kind} is configured"
        return "; ".join(f"{part.name}: {part.reason or part.state.value}" for part in parts)
