"""What is wrong with a configuration: every problem at once, each with its place."""

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_BAD_CONFIG = 78  # EX_CONFIG of sysexits.h


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: `where` is `file:line`, a file, or the name of an environment variable."""

    where: str
    key: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.reason) if part)


class ConfigError(Exception):
    """The configuration cannot be used; the command ends with 78 and lists `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
