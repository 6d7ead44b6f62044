"""Reads dialplan/*.conf and the tables of its README."""

import re
from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "dialplan"


def steps(text: str) -> list[str]:
    """The application call of each priority, comments dropped."""
    found = re.findall(r"^(?:exten => \S+?,1|\s*same => n(?:\(\w+\))?),(.*)$", text, re.MULTILINE)
    assert found, "no dialplan"
    return found


def applications(text: str, name: str) -> list[str]:
    """Every call of an application that stands alone in its priority."""
    found = [step for step in steps(text) if step.startswith(f"{name}(")]
    assert found, f"{name} is nowhere"
    return found


def contexts(text: str) -> dict[str, set[str]]:
    """Extensions (patterns included) by context."""
    found: dict[str, set[str]] = {}
    here: set[str] = set()
    for line in text.splitlines():
        if heading := re.fullmatch(r"\[([\w-]+)\](?:\(\+\))?", line):
            here = found.setdefault(heading[1], set())
        elif exten := re.match(r"exten => ([^,]+),", line):
            here.add(exten[1])
    found.pop("globals", None)
    return found


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading that starts so, without its head."""
    lines = (CONF / "README.md").read_text().splitlines()
    at = next(
        i
        for i, line in enumerate(lines)
        if line.startswith("#") and _is_heading(line.lstrip("# "), heading)
    )
    rows: list[list[str]] = []
    for line in lines[at + 1 :]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip()[1:-1].split("|")])
        elif rows:
            break
    assert len(rows) > 2, f"no table under {heading}"
    return rows[2:]


def _is_heading(line: str, wanted: str) -> bool:
    return line == wanted or ("," in wanted and line.startswith(wanted))
