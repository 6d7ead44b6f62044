"""The bench of imports runs."""

from pathlib import Path

from tests.bench.imports import measure


def test_an_import_is_measured(tmp_path: Path) -> None:
    """Few numbers here; the manual tells of many."""
    found = measure(tmp_path, 20)
    assert found["numbers"] == 20
    assert {"import_s", "import_cpu_s", "import_mb", "again_s", "export_s"} <= found.keys()
