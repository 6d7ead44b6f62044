"""Instants of a PBX on our clock, and back."""

import time

from callserver.service.clocks import PbxClocks, SystemClock


def test_the_system_clock_counts_microseconds() -> None:
    """Since 1970."""
    assert abs(SystemClock().now_us() - time.time() * 1_000_000) < 60_000_000


def test_an_offset_is_of_one_pbx() -> None:
    """The other's is zero until it was measured."""
    clocks = PbxClocks()
    clocks.set_offset("slow", 5_000_000)
    assert (clocks.ours("slow", 10_000_000), clocks.theirs("slow", 10_000_000)) == (
        15_000_000,
        5_000_000,
    )
    assert clocks.ours("other", 1) == clocks.theirs("other", 1) == 1
    clocks.set_offset("slow", -1)
    assert clocks.offset_us("slow") == -1
