"""Files of tariffs: what is right loads, and whatever is wrong is told with its line."""

import csv
import io

import pytest

from callserver.domain.band import Band
from callserver.domain.holidays import DayKind
from callserver.service.importing import SourceFile
from callserver.service.tariff_file import TariffFiles, read_tariffs

from .tariff_files import INVALID, SENSELESS, VALID


def read(text: str, name: str = "t.toml") -> TariffFiles:
    found = read_tariffs([SourceFile(name, text.encode())], "lone")
    assert isinstance(found, TariffFiles), found
    return found


@pytest.mark.parametrize("why", VALID)
def test_what_is_right_loads(why: str) -> None:
    """Liberal in what it takes."""
    found = read(VALID[why])
    assert found.tariffs
    assert all(version.version for versions in found.tariffs.values() for version in versions)


@pytest.mark.parametrize("why", [*INVALID, *SENSELESS])
def test_what_is_wrong_is_told_with_its_line(why: str) -> None:
    """One problem, at its line, in words that say what would be right."""
    text, line, said = (INVALID | SENSELESS)[why]
    found = read_tariffs([SourceFile("t.toml", text.encode())], "lone")
    assert isinstance(found, list)
    assert (found[0].file, found[0].line) == ("t.toml", line)
    assert said in found[0].reason


def test_the_same_said_in_different_ways_is_the_same() -> None:
    """Numbers and texts, local times and texts, lists and texts, lists of bands and headers."""
    one = read(
        'rate = "0.150"\nincrements = "30/6"\nfree_s = "3"\nprecision = "0.010"\ncap = "1"\n'
        '[[band]]\nfrom = "22:00"\nto = "08:00"\ndays = "sat;sun"\nprovinces = "浙江省"\nrate = "0"'
    )
    other = read(
        "rate = 15e-2\ninitial_increment_s = 30\nincrement_s = 6\nfree_s = 3\nprecision = 0.01\n"
        "cap = 1.00\nband = [ { from = 22:00:00, to = 08:00:00, days = ['sat', 'sun',\n"
        "'sat'], provinces = ['zhejiang'], rate = 0 } ]"
    )
    assert one == other
    [version] = one.tariffs["lone"]
    assert version.bands == (Band(0, 79_200, 28_800, ("sat", "sun"), ("浙江",)),)
    assert (version.rate_micros, version.cap_micros, version.precision_micros) == (
        150_000,
        1_000_000,
        10_000,
    )


def test_versions_are_in_the_order_of_their_moments() -> None:
    """An undated one has always been in effect; a day begins in Shanghai."""
    found = read(
        '[[tariff]]\nid = "a"\nrate = 2\neffective_from = 2026-01-01\n'
        '[[tariff]]\nid = "a"\nrate = 1\n'
        '[[tariff]]\nid = "a"\nrate = 3\neffective_from = 2026-01-01T00:00:01\n'
    )
    assert [v.rate_micros // 1_000_000 for v in found.tariffs["a"]] == [1, 2, 3]
    moments = [v.effective_from_ms for v in found.tariffs["a"]]
    assert moments == [0, 1_767_196_800_000, 1_767_196_801_000]


def test_days_and_a_lone_tariffs_own_id() -> None:
    """The file's name serves only where the tariff has none."""
    found = read(VALID["a lone tariff and days"])
    assert list(found.tariffs) == ["a"]
    [day] = found.holidays.values()
    assert (day.day.isoformat(), day.kind) == ("2027-02-06", DayKind.HOLIDAY)


def test_csv_bands_belong_to_their_tariffs_moment() -> None:
    """Two files: the tariffs, and their bands with list cells."""
    tariffs = "id,rate,effective_from\na,0.15,\na,0.16,2027-01-01\n"
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["tariff", "effective_from", "from", "to", "days", "rate"])
    writer.writerow(["a", "", "22:00", "08:00", "workday;sat", "0.1"])
    writer.writerow(["a", "2027-01-01", "", "", "", "0.2"])
    files = [
        SourceFile("tariffs.csv", tariffs.encode()),
        SourceFile("tariff_bands.csv", table.getvalue().encode()),
    ]
    found = read_tariffs(files, "lone")
    assert isinstance(found, TariffFiles)
    first, second = found.tariffs["a"]
    assert first.bands == (Band(100_000, 79_200, 28_800, ("workday", "sat")),)
    assert second.bands == (Band(200_000),)


def test_a_band_does_not_repeat_what_is_wrong_above_it() -> None:
    """The tariff's own faults are told once."""
    found = read_tariffs(
        [SourceFile("t.toml", b'[[tariff]]\nid = "A"\nrate = 1\n[[tariff.band]]\nrate = 1\n')], "x"
    )
    assert isinstance(found, list)
    assert [problem.line for problem in found] == [2]


def test_every_problem_of_a_file_is_told() -> None:
    """Not only the first."""
    text = 'rate = "x"\ncap = -1\n[[band]]\nfrom = 1\nto = "x"\n[[bands]]\n'
    found = read_tariffs([SourceFile("t.toml", text.encode())], "x")
    assert isinstance(found, list)
    assert [problem.line for problem in found] == [1, 2, 3, 4, 5, 6]


def test_any_ending_but_csv_is_toml() -> None:
    """A tariff may come from anywhere."""
    assert read("rate = 1", "/dev/stdin").tariffs["lone"]
