"""One key of a record that a file may hold."""

from dataclasses import dataclass
from typing import Final

from callserver.service.import_cells import Checker

REQUIRED: Final = object()


class FieldFault(ValueError):
    """Fields that are right alone do not go together; `key` is the one to look at."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record; REQUIRED as default means it must be given. `about` is for people."""

    name: str
    check: Checker
    default: object = REQUIRED
    about: str = ""
