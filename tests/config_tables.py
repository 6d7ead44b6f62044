"""What docs/configuration.md must say of every key; run it to print the tables."""

import types
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from callserver.config import Config


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Names and models of the sections."""
    for name, field in Config.model_fields.items():
        listed = get_args(field.annotation)
        model = listed[0] if listed else field.annotation
        assert isinstance(model, type)
        yield name, model


def default_of(field: FieldInfo) -> Any:
    """The default as it would be written in TOML; None where there is none."""
    value = field.get_default(call_default_factory=False)
    if field.is_required() or value is None:
        return None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value if isinstance(value, int) else str(value)


def row(key: str, field: FieldInfo) -> str:
    """One line of the table."""
    value = default_of(field)
    if field.is_required():
        shown = "needed"
    elif value is None:
        shown = "none"
    elif isinstance(value, list):
        shown = "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    elif isinstance(value, bool):
        shown = f"`{str(value).lower()}`"
    else:
        shown = f"`{value}`" if isinstance(value, int) else f'`"{value}"`'
    return f"| `{key}` | {shown} | {_range(field)}{field.description} |"


def _range(field: FieldInfo) -> str:
    bounds = {name: bound for item in field.metadata for name, bound in _bounds(item)}
    return f"{bounds['ge']} … {bounds['le']}. " if {"ge", "le"} <= bounds.keys() else ""


def _bounds(item: object) -> Iterator[tuple[str, object]]:
    for name in ("ge", "le"):
        bound = getattr(item, name, None)
        if bound is not None and not isinstance(bound, types.FunctionType):
            yield name, bound


if __name__ == "__main__":
    for section, model in sections():
        heading = f"[[{section}]]" if section == "asterisk" else f"[{section}]"
        print(f"\n## `{heading}`\n{model.__doc__}\n\n| key | default | meaning |\n|---|---|---|")
        for key, field in model.model_fields.items():
            print(row(key, field))
