"""Many deadlines of the same length."""

from callserver.adapters.agi.deadlines import Deadlines


class HandClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_each_is_late_once_when_its_own_time_is_over() -> None:
    """Those begun later are late later, and nobody is late twice."""
    clock = HandClock()
    deadlines: Deadlines[str] = Deadlines(3, clock)
    deadlines.begin("a")
    clock.now_s += 2
    deadlines.begin("b")
    assert deadlines.oldest() == "a"
    assert deadlines.late() == []
    clock.now_s += 1
    assert deadlines.late() == ["a"]
    clock.now_s += 2
    assert deadlines.late() == ["b"]
    assert deadlines.late() == []


def test_who_ended_in_time_is_not_late() -> None:
    """Ending stops the time, and says whether it ran."""
    clock = HandClock()
    deadlines: Deadlines[str] = Deadlines(3, clock)
    deadlines.begin("a")
    assert deadlines.end("a")
    assert not deadlines.end("a")
    clock.now_s += 10
    assert deadlines.late() == []
    assert len(deadlines) == 0
