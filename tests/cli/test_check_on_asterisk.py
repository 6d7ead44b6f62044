"""`callserver check` against a real Asterisk 22 and a running server."""

import pytest

from tests.cli.conftest import Run
from tests.cli.test_check import outcomes
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld, asterisk_folder, make_world

__all__ = ["asterisk_folder", "make_world"]

pytestmark = pytest.mark.e2e


def test_an_asterisk_with_our_files_passes(make_world: MakeWorld, run: Run) -> None:
    """Login, rights, dialplan version, clock, CDR file, Redis and SQL are all in order."""
    world = make_world(Party("acme", "4001000001", ("answers",)))
    world.bed.call("4001000001", talk_ms=1000)
    world.settled(1)
    config = world.server.data.parent / f"{world.server.data.name}.toml"
    got = run("doctor", "--config", config, "--json")
    found = outcomes(got)
    name = world.asterisk.pbx
    for point in ("", ":rights", ":dialplan", ":clock", ":cdr_file"):
        print(f"asterisk:{name}{point}: {found.get(f'asterisk:{name}{point}')}")
    wrong = {point: what for point, what in found.items() if what[0] == "failed"}
    assert (got.status, wrong) == (0, {})
    assert found[f"asterisk:{name}:rights"] == ("ok", "enough, and no more than needed")
    assert found["server"][1].endswith(f"is ready at {world.server.url}")
