"""The files that describe the configuration agree with it."""

import re
import tomllib
from pathlib import Path

from callserver.config import Config, load_config
from tests.config_tables import default_of, row, sections

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "callserver.toml"


def test_the_example_file_loads_as_the_default() -> None:
    """config/callserver.toml, used as it is, changes nothing."""
    assert load_config(EXAMPLE, {}) == Config()


def test_the_example_file_lists_every_key_with_its_default() -> None:
    """With the settings behind `#` taken in, every key of every section is there."""
    text = re.sub(r"^#(?! )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    listed = tomllib.loads(text)
    assert listed.keys() == Config.model_fields.keys()
    for name, model in sections():
        section = listed[name][0] if isinstance(listed[name], list) else listed[name]
        assert section.keys() == model.model_fields.keys(), name
        for key, field in model.model_fields.items():
            if default_of(field) is not None:
                assert section[key] == default_of(field), f"{name}.{key}"


def test_the_manual_explains_every_key_with_its_default_and_range() -> None:
    """docs/configuration.md has each key's row, as `python -m tests.config_tables` prints it."""
    manual = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").splitlines()
    expected = [row(key, f) for _, model in sections() for key, f in model.model_fields.items()]
    assert [line for line in manual if line.startswith("| `")] == expected


def test_the_unit_does_not_restart_on_a_bad_configuration() -> None:
    """systemd stops trying where trying again cannot help (exit status 78)."""
    unit = (ROOT / "config" / "callserver.service").read_text(encoding="utf-8")
    assert "RestartPreventExitStatus=78" in unit
    assert re.search(r"^ExecStart=\S+/callserver serve --config \S+$", unit, re.MULTILINE)
