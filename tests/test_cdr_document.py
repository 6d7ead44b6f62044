"""docs/cdr.md lists the fields that a CDR has, in the API and in the CSV file."""

import re
from pathlib import Path
from typing import Any

from callserver.adapters.http.shapes import cdr_shape
from callserver.cli.cdr_columns import COLUMNS
from tests.adapters.sql.samples import cdr

MANUAL = (Path(__file__).parent.parent / "docs" / "cdr.md").read_text(encoding="utf-8")
JSON_PART, CSV_PART = MANUAL.split("\n## CSV\n")
ROW = re.compile(r"^\| (`[^|]+`) \|([^|]*)\|([^|]*)\|([^|]+)\|$", re.M)


def names(shape: dict[str, Any], before: str = "") -> list[str]:
    """The fields of a JSON object as the manual writes them; money is one field."""
    found = []
    for key, value in shape.items():
        if isinstance(value, dict) and "currency" not in value:
            found += names(value, f"{before}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found += names(value[0], f"{before}{key}[].")
        else:
            found.append(before + key)
    return found


def test_every_json_field_has_its_row() -> None:
    """The first table has each field of the API's CDR, in its order, and no other."""
    sample = cdr_shape(cdr(), in_full=True, with_cost=True)
    assert sample["attempts"], "a CDR without these would not show all fields"
    assert sample["caller"]["region"]
    assert sample["tariff"]
    documented = [row[0].strip("`") for row in ROW.findall(JSON_PART)]
    assert documented == names(sample)


def test_every_json_field_has_an_example_and_a_meaning() -> None:
    """No row is left empty."""
    for field, _, example, meaning in ROW.findall(JSON_PART):
        assert example.strip().startswith("`"), field
        assert len(meaning) > 5, field


def test_every_csv_column_is_explained() -> None:
    """The second table has each column of `callserver cdr export` once."""
    cells = re.findall(r"^\| (`.+?`) \|", CSV_PART, re.M)
    documented = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(documented) == sorted(COLUMNS)
