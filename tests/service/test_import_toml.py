"""Business data in TOML: what is accepted means what TOML says; every error has its place."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.import_set import ImportProblem
from callserver.service.import_kinds import KINDS
from callserver.service.import_records import Record
from callserver.service.import_toml import read_toml

SAMPLE = """\
# our provider
[[provider]]   # the only one
id = "north"
name = "北方通信 \\"N\\""

[[tariff]]
id='std'
rate = 0.15
effective_from = 2027-01-01T00:00:00+08:00
free_s=5
"""


def read(text: str) -> tuple[list[Record], list[ImportProblem]]:
    found = list(read_toml("f.toml", text))
    return (
        [each for each in found if isinstance(each, Record)],
        [each for each in found if isinstance(each, ImportProblem)],
    )


def test_records_are_read_with_their_places() -> None:
    """Decimals as text, never a float; places by line below the header and column."""
    [provider, tariff], problems = read(SAMPLE)
    assert problems == []
    assert (provider.kind.name, provider.line) == ("provider", 2)
    assert provider.cells == {"id": "north", "name": '北方通信 "N"'}
    assert provider.layout == {"id": (1, 6), "name": (2, 8)}
    assert tariff.cells["rate"] == "0.15"
    assert tariff.cells["free_s"] == 5
    assert str(tariff.cells["effective_from"]) == "2027-01-01 00:00:00+08:00"


def test_windows_line_ends_and_none_at_the_end() -> None:
    """As an editor may leave them."""
    [provider], problems = read("[[provider]]\r\nid = \"north\"\r\nname = 'n'\r\n[[x")
    assert provider.cells == {"id": "north", "name": "n"}
    assert [problem.line for problem in problems] == [4]


def test_every_bad_line_is_told() -> None:
    """With line and column, and the good ones around it are still read."""
    records, problems = read(
        "\n".join(
            (
                "id = 1",  # before any header
                "[[provider]]",
                'id = "unterminated',
                "name =",
                'name = "n"',
                'name = "again"',
                "parent = [1]",
                "yes = true",
                'a.b = "dotted"',
                "[[providers]]",
                'id = "skipped with its header',
                "[customer]",
                "[[did]]",
                'number = "4001234567"',
                "x = " + "9" * 5_000,
            )
        )
    )
    assert [(problem.line, problem.column) for problem in problems] == [
        (1, None),
        (3, 6),  # tomllib knows no better than the whole line; so it is the value
        (4, 7),
        (6, 1),
        (7, 10),
        (8, 7),
        (9, 1),
        (10, None),
        (12, None),
        (15, 5),
    ]
    assert "[[provider]]" in problems[7].reason
    provider, did = records
    assert (provider.cells, provider.complete) == ({"name": "n"}, False)
    assert (did.cells, did.complete) == ({"number": "4001234567"}, False)


def test_records_laid_out_alike_share_their_layout() -> None:
    """A hundred thousand of them must not cost a hundred thousand dicts."""
    records, _ = read('[[did]]\nnumber = "4"\n' * 50)
    assert len({id(record.layout) for record in records}) == 1


def test_values_over_several_lines_are_refused() -> None:
    """TOML allows them, we don't: and say so at their first line."""
    _, problems = read('[[provider]]\nname = """\nnorth"""')
    assert problems[0].line == 2


keys = st.sampled_from(["id", "name", "parent", '"id"', "x-y", "a.b", "", "id name"])
values = st.one_of(
    st.text(max_size=8),
    st.text(alphabet="\"\\ntu0041 #'=,[]", max_size=8).map(lambda text: f'"{text}"'),
    st.text(max_size=5).map(lambda text: f"'{text}'"),
    st.integers().map(str),
    st.sampled_from(["1_000", "007", "+5", "0x1F", "true", "1e3", "inf", "-0", "2027-01-01", "[]"]),
)
lines = st.one_of(
    st.builds("{} = {}".format, keys, values),
    st.builds("{}={} # {}".format, keys, values, st.text(max_size=4)),
    st.text(max_size=12),
)


@given(st.lists(lines, max_size=6))
def test_what_is_accepted_is_toml_and_means_the_same(body: list[str]) -> None:
    """Our line reader never takes what tomllib refuses, nor reads it differently."""
    text = "\n".join(["[[provider]]", *body])
    records, problems = read(text)
    if problems or any(record.kind is not KINDS["provider"] for record in records):
        return
    expected = tomllib.loads(text, parse_float=str)
    assert [record.cells for record in records] == expected["provider"]
