"""Lines of TOML: one value each, but for lists, and how much of a text they take."""

import pytest

from callserver.service.toml_lines import BadLine, Lines, read_cell


def cells(text: str, *lists: str) -> list[tuple[str, object, int]]:
    """Every cell of a text that has nothing else."""
    lines = Lines(text)
    return [read_cell(lines, lists) for _ in lines]


def test_each_line_is_a_cell() -> None:
    """Key, value and the value's column."""
    assert cells('a = "x"\n  b=1.5 # c') == [("a", "x", 5), ("b", "1.5", 5)]


def test_a_list_goes_on_over_lines() -> None:
    """With comments and empty lines, and brackets in its texts."""
    text = 'a = [ # [\n  "1]",\n\n  "2", # ]\n]\nb = 1'
    assert cells(text, "a") == [("a", ["1]", "2"], 5), ("b", 1, 5)]


@pytest.mark.parametrize("key", ['"a"', "'a'"])
def test_the_key_of_a_list_may_be_in_quotes(key: str) -> None:
    """As TOML has it; and a key in quotes begins the next cell."""
    assert cells(f'{key} = [\n"1",\n]\nb = 1', "a") == [("a", ["1"], 7), ("b", 1, 5)]
    lines = Lines(f'a = [\n"1",\n{key} = 2')
    next(iter(lines))
    with pytest.raises(BadLine):
        read_cell(lines, ("a",))
    assert lines.number == 1


def test_a_list_where_none_may_be_is_refused() -> None:
    """Nor does it take the lines that follow."""
    lines = Lines('a = [\n"1"]\n')
    next(iter(lines))
    with pytest.raises(BadLine):
        read_cell(lines, ())
    assert lines.number == 1


@pytest.mark.parametrize("text", ['a = ["1",\nb = 1', 'a = ["1",\n[[c]]', 'a = ["1",\n"2"'])
def test_a_list_that_never_ends_is_its_first_lines_fault(text: str) -> None:
    """The keys and headers after it are read."""
    lines = Lines(text)
    next(iter(lines))
    with pytest.raises(BadLine, match="not a line of TOML"):
        read_cell(lines, ("a",))
    assert lines.number == 1


@pytest.mark.parametrize("text", ["a = 0,15", "a = .15", "a = soon", "a =", "a = 0.15 yuan"])
def test_a_line_that_is_none_says_how_to_write_it(text: str) -> None:
    """Not only what a parser missed."""
    with pytest.raises(BadLine, match=r"write a text in quotes, a number like 0\.15"):
        cells(text)


def test_lists_without_end_are_refused() -> None:
    """However deep they are, and over lines too."""
    for text in ("a = " + "[" * 5000, "a = " + "[" * 5000 + "\n" + "]" * 5000):
        with pytest.raises(BadLine, match="lists within lists"):
            cells(text, "a")
