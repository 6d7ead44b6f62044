"""From a file, the environment and arguments to a checked model, with the place of every fault."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from callserver.config_error import ConfigError, Problem
from callserver.config_lines import Location, key_lines, line_of
from callserver.domain.near_word import did_you_mean

ENV_PREFIX = "CALLSERVER_"
SECRET_FILE_BYTES_MAX = 64 * 1024
_FILE_KEYS = {"secret_file": "secret", "url_file": "url"}
_TOML_PLACE = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")

Model = TypeVar("Model", bound=BaseModel)


class _Reader:
    """Collects raw values, where each came from, and what was wrong with them."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.sections = {name: _section_model(model, name) for name in model.model_fields}
        self.listed = {name for name in self.sections if _is_list(model, name)}
        self.raw: dict[str, Any] = {}
        self.origin: dict[Location, str] = {}
        self.file = ""
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []

    def where(self, location: Location) -> str:
        for length in range(len(location), 0, -1):
            if location[:length] in self.origin:
                return self.origin[location[:length]]
        line = line_of(self.lines, location)
        return f"{self.file}:{line}" if line else self.file

    def wrong(self, location: Location, reason: str, where: str | None = None) -> None:
        self.problems.append(Problem(where or self.where(location), dotted(location), reason))

    def read_file(self, path: Path) -> None:
        self.file = str(path)
        try:
            text = path.read_bytes().decode()
            self.raw = tomllib.loads(text)
        except OSError as fault:
            self.problems.append(Problem(self.file, "", fault.strerror or str(fault)))
        except UnicodeDecodeError as fault:
            self.problems.append(Problem(self.file, "", f"not UTF-8 text at byte {fault.start}"))
        except tomllib.TOMLDecodeError as fault:
            at = _TOML_PLACE.search(str(fault))
            end = len(text.splitlines())
            line = at.group(1) if at and at.group(1) else str(end)
            reason = _TOML_PLACE.sub("", str(fault))
            self.problems.append(Problem(f"{self.file}:{line}", "", reason))
        else:
            self.lines = key_lines(text)

    def read_env(self, env: Mapping[str, str]) -> None:
        for name in sorted(env):
            if name.startswith(ENV_PREFIX) and "__" in name:
                self._read_variable(name, env[name])

    def _read_variable(self, name: str, text: str) -> None:
        section, *rest = name.removeprefix(ENV_PREFIX).lower().split("__")
        if section not in self.sections:
            hint = did_you_mean(section, self.sections)
            self.problems.append(Problem(name, "", f"no section {section!r}{hint}"))
        elif section in self.listed:
            self._read_listed(name, section, rest, text)
        elif len(rest) != 1:
            self.problems.append(Problem(name, "", "must be CALLSERVER_SECTION__KEY"))
        else:
            target = self.raw.setdefault(section, {})
            self._put(target, (section, rest[0]), name, text)

    def _read_listed(self, name: str, section: str, rest: list[str], text: str) -> None:
        items = self.raw.setdefault(section, [])
        if len(rest) != 2 or not rest[0].isdigit():
            form = f"{ENV_PREFIX}{section.upper()}__0__KEY (0 is the first)"
            self.problems.append(Problem(name, "", f"must be {form}"))
            return
        index = int(rest[0])
        if not isinstance(items, list) or index > len(items):
            self.problems.append(Problem(name, "", f"there is no [[{section}]] before it"))
            return
        if index == len(items):
            items.append({})
        self._put(items[index], (section, index, rest[1]), name, text)

    def _put(self, target: Any, location: Location, origin: str, text: str) -> None:
        if isinstance(target, dict):  # anything else is reported by the model
            target[location[-1]] = text
            self.origin[location] = origin

    def read_secret_files(self) -> None:
        """Replace `secret` and `url` by what stands in the files named beside them."""
        for name in self.sections:
            part = self.raw.get(name)
            items = part if isinstance(part, list) else [part]
            for index, item in enumerate(items):
                if isinstance(item, dict):
                    at: Location = (name, index) if isinstance(part, list) else (name,)
                    for file_key in _FILE_KEYS.keys() & item.keys():
                        self._read_secret(item, at, file_key)

    def _read_secret(self, item: dict[str, Any], at: Location, file_key: str) -> None:
        key, path = _FILE_KEYS[file_key], item[file_key]
        if not isinstance(path, str) or not path:
            return  # the model reports it
        if item.get(key):
            self.wrong((*at, file_key), f"set either {key} or {file_key}, not both")
            return
        # A stand-in where the file fails, or its key would be reported as missing as well.
        item[key] = "unread" if key == "secret" else ""
        try:
            with Path(path).expanduser().open("rb") as file:
                item[key] = file.read(SECRET_FILE_BYTES_MAX).decode().strip()
        except OSError as fault:
            self.wrong((*at, file_key), f"{path}: {fault.strerror}")
        except UnicodeDecodeError:
            self.wrong((*at, file_key), f"{path}: not UTF-8 text")
        else:
            self.origin.setdefault((*at, key), self.where((*at, file_key)))

    def explain(self, fault: ErrorDetails) -> None:
        """Turn one of pydantic's errors into a problem with its place."""
        location = tuple(part for part in fault["loc"] if not str(part).startswith("function-"))
        match fault["type"]:
            case "extra_forbidden":
                self.wrong(location, self._unknown(location))
            case "missing":
                self.wrong(location, "is missing")
            case "literal_error":
                allowed = re.findall(r"'([^']+)'", fault["msg"])
                hint = did_you_mean(str(fault.get("input", "")), allowed)
                self.wrong(location, f"must be one of {', '.join(allowed)}{hint}")
            case "model_type" | "tuple_type":
                name = str(location[0])
                form = f"[[{name}]]" if name in self.listed else f"[{name}]"
                self.wrong(location, f"must be a section, {form}")
            case _:
                reason = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
                self.wrong(location, reason)

    def _unknown(self, location: Location) -> str:
        key = str(location[-1])
        if len(location) == 1:
            return f"unknown section{did_you_mean(key, self.sections)}"
        own = self.sections[str(location[0])].model_fields
        hint = did_you_mean(key, own)
        for name, section in self.sections.items():
            if not hint and key in section.model_fields:
                hint = f"; it belongs in [{name}]"
        return f"unknown key{hint}"


def load(
    model: type[Model], path: Path | None, env: Mapping[str, str], arguments: Mapping[str, str]
) -> Model:
    """Build the model; `arguments` are values for keys of [server], stronger than the rest.

    Raises ConfigError with every problem, in the order of the file.
    """
    reader = _Reader(model)
    if path is not None:
        reader.read_file(path)
    if not reader.problems:
        reader.read_env(env)
        _read_arguments(reader, arguments)
        reader.read_secret_files()
        try:
            config = model.model_validate(reader.raw)
        except ValidationError as faults:
            for fault in faults.errors(include_url=False):
                reader.explain(fault)
        else:
            if not reader.problems:
                return config
    raise ConfigError(sorted(reader.problems, key=_by_place))


def dotted(location: Location) -> str:
    """`server.http`, `asterisk[0].port`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _read_arguments(reader: _Reader, arguments: Mapping[str, str]) -> None:
    server = reader.raw.setdefault("server", {})
    for key, text in arguments.items():
        value = f"127.0.0.1:{text}" if key == "http" and text.isdigit() else text
        if isinstance(server, dict):
            server[key] = value
            reader.origin["server", key] = f"--{key}"


def _section_model(model: type[BaseModel], name: str) -> type[BaseModel]:
    annotation = model.model_fields[name].annotation
    found = get_args(annotation)[0] if _is_list(model, name) else annotation
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise TypeError(f"{name} of {model.__name__} is not a section")
    return found


def _is_list(model: type[BaseModel], name: str) -> bool:
    return bool(get_args(model.model_fields[name].annotation))


def _by_place(problem: Problem) -> tuple[bool, str, int]:
    file, _, line = problem.where.rpartition(":")
    in_file = line.isdigit()
    return (not in_file, file if in_file else problem.where, int(line) if in_file else 0)
