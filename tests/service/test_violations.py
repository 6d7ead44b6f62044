"""Calls of a number suspended for a violation are cut, by what is known and nothing else."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from callserver.ports import LiveChannel, StoreUnavailable
from callserver.service.violations import WATCH_S, Violations
from tests.fakes.clock import VirtualClock
from tests.fakes.pbx import FakePbx

BAD, GOOD = "4001234569", "4001234570"


@dataclass
class Book:
    """The one question that is asked of the books."""

    found: dict[str, int] = field(default_factory=dict)
    away: bool = False

    async def violations(self) -> dict[str, int]:
        """As set."""
        if self.away:
            raise StoreUnavailable("SQL is away")
        return dict(self.found)


@dataclass
class Scene:
    """Two PBXs, each with a call of the bad number and one of another."""

    book: Any = field(default_factory=Book)
    clock: VirtualClock = field(default_factory=VirtualClock)
    pbxs: dict[str, FakePbx] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Ready to look."""
        for name in ("one", "two"):
            channels = {
                f"{name}-{did}": LiveChannel(
                    f"{name}-{did}", f"PJSIP/{name}-{did}", "1.1", did, 1, 0
                )
                for did in (BAD, GOOD)
            }
            self.pbxs[name] = FakePbx(name, channels=channels)
        self.violations = Violations(self.book, self.pbxs, self.clock)

    @property
    def cut(self) -> list[str]:
        """Channels told to end at once."""
        told = [each for pbx in self.pbxs.values() for each in pbx.timeouts]
        assert {after_ms for _, after_ms in told} <= {1}
        return sorted(channel for channel, _ in told)

    def ended(self) -> None:
        """What was cut is gone."""
        for pbx in self.pbxs.values():
            gone = {channel for channel, _ in pbx.timeouts}
            pbx.channels = {k: c for k, c in pbx.channels.items() if c.channel not in gone}
            pbx.timeouts.clear()


async def test_its_calls_are_cut_and_no_others() -> None:
    """On every PBX; without a violation nothing is even asked."""
    scene = Scene()
    await scene.violations.look()
    assert scene.cut == []
    scene.book.found = {BAD: 7}
    await scene.violations.look()
    assert scene.cut == [f"PJSIP/one-{BAD}", f"PJSIP/two-{BAD}"]


async def test_a_late_call_is_cut_too() -> None:
    """One decided on an older reading of the books may come a moment later; then none can."""
    scene = Scene(Book({BAD: 7}))
    late = replace(scene.pbxs["one"].channels[f"one-{BAD}"], channel="PJSIP/late")
    await scene.violations.look()
    scene.ended()
    scene.pbxs["one"].channels["late"] = late
    scene.clock.pass_s(WATCH_S - 1)
    await scene.violations.look()
    assert scene.cut == ["PJSIP/late"]
    scene.ended()
    scene.clock.pass_s(2)
    await scene.violations.look()
    scene.pbxs["one"].away = True  # asked any more, it would say so
    scene.pbxs["one"].channels["late"] = late
    await scene.violations.look()
    assert scene.cut == []


@pytest.mark.parametrize("seconds", [1, 3600])
async def test_a_failed_question_ends_no_call_and_is_asked_again(seconds: int) -> None:
    """However long the link is down."""
    scene = Scene(Book({BAD: 7}))
    scene.pbxs["one"].away = True
    await scene.violations.look()
    assert scene.cut == [f"PJSIP/two-{BAD}"]
    scene.ended()
    scene.clock.pass_s(seconds)
    scene.pbxs["one"].away = False
    await scene.violations.look()
    assert scene.cut == [f"PJSIP/one-{BAD}"]


async def test_books_that_are_away_end_no_call() -> None:
    """The fault passes through to be waited out."""
    scene = Scene(Book({BAD: 7}, away=True))
    with pytest.raises(StoreUnavailable):
        await scene.violations.look()
    assert scene.cut == []


async def test_a_violation_that_was_lifted_is_over() -> None:
    """Its calls live; a second violation cuts again."""
    scene = Scene(Book({BAD: 7}))
    scene.pbxs["one"].away = scene.pbxs["two"].away = True
    await scene.violations.look()
    scene.book.found = {}
    scene.pbxs["one"].away = scene.pbxs["two"].away = False
    await scene.violations.look()
    assert scene.cut == []
    scene.book.found = {BAD: 9}
    await scene.violations.look()
    assert len(scene.cut) == 2
