"""What the documents show is what the commands print, and what they link to exists."""

import re
from pathlib import Path

import pytest

from tests.doc_blocks import ROOT, matches, shell, steps

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("dialplan/*.md")])
# What a Chinese page runs is what the English one runs; a test of its own says so.
CHINESE = [path for path in DOCUMENTS if path.name.endswith(".zh-CN.md")]
RUNNABLE = [
    path for path in DOCUMENTS if path not in CHINESE and steps(path.read_text(encoding="utf-8"))
]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


def test_some_documents_have_runnable_blocks() -> None:
    """A marker that nobody finds any more must not look like documents without faults."""
    assert {"README.md", "rating.md"} <= {path.name for path in RUNNABLE}


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_print_what_the_document_says(path: Path, tmp_path: Path) -> None:
    """Each runnable command is run, and prints and ends as written."""
    with shell(tmp_path) as bash:
        for step in steps(path.read_text(encoding="utf-8")):
            bash.check(step)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    """Every link to a file of the checkout finds it."""
    text = path.read_text(encoding="utf-8")
    targets = [target for target, _ in LINK.findall(text) if "://" not in target]
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("path", CHINESE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_both_languages_show_the_same_commands(path: Path) -> None:
    """A Chinese page runs what the English one beside it runs."""
    english = path.with_name(path.name.replace(".zh-CN", ""))
    shown = [
        [(step.command, step.expected) for step in steps(page.read_text("utf-8"))]
        for page in (english, path)
    ]
    assert shown[0] == shown[1]


MATCHING = [  # expected, printed, whether they match
    ("a\n", "a\n", True),
    ("a … c\n", "a b c\n", True),
    ("a\n…\nz\n", "a\nb\nc\nz\n", True),
    ("a\n…\nz\n", "a\nz\n", True),
    ("a\n", "a\nb\n", False),
    ("a … c\n", "a b\nc\n", False),
    ("", "", True),
    ("", "a\n", False),
]


@pytest.mark.parametrize(("expected", "printed", "same"), MATCHING)
def test_ellipsis(expected: str, printed: str, same: bool) -> None:
    """`…` stands for any text of a line, or alone for any lines; all else is exact."""
    assert matches(expected, printed) is same


def test_steps_of_a_document() -> None:
    """Only marked blocks are run; the status is the last command's."""
    text = "```console\n$ no\n```\n<!-- run: status 78 -->\n```console\n$ a\nx\n$ b\n```\n"
    assert [(s.command, s.expected, s.status) for s in steps(text)] == [
        ("a", "x\n", 0),
        ("b", "", 78),
    ]
