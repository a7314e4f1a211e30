"""What can go wrong, said so that a person can act: what, where, and what to do next.

Exit codes are part of the interface (docs/exit-codes.md) and belong to the error's class, so that no caller
has to map them a second time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file. `line` and `column` count from 1; 0 means that it is not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class NinefoldError(Exception):
    """The root of every error that Ninefold raises on purpose.

    `what` is the fault in one sentence, `place` where it is, `remedy` the next step for the person who reads it.
    """

    exit_code = 70

    def __init__(self, what: str, *, place: Place | None = None, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.place}: {self.what}" if self.place else self.what
        return f"{head}\n  fix: {self.remedy}" if self.remedy else head


class ContractError(NinefoldError):
    """The contract cannot be kept as it is written. Exit code 65 (EX_DATAERR)."""

    exit_code = 65


class DescriptionError(NinefoldError):
    """The API's description (OpenAPI, Swagger) cannot be read or understood. Exit code 65 (EX_DATAERR)."""

    exit_code = 65


class KeyringError(NinefoldError):
    """A key cannot be issued, found or changed. Exit code 65 (EX_DATAERR)."""

    exit_code = 65


class FileError(NinefoldError):
    """A file cannot be read or written. Exit code 66 (EX_NOINPUT) or 73 (EX_CANTCREAT) by its subclasses."""

    exit_code = 66


class WriteError(FileError):
    """A file cannot be written: a full disk, a missing right. Exit code 73 (EX_CANTCREAT)."""

    exit_code = 73


class ServiceError(NinefoldError):
    """A socket, port, certificate or upstream is not to be had. Exit code 69 (EX_UNAVAILABLE)."""

    exit_code = 69


class TrailError(NinefoldError):
    """The trail is broken or cannot be kept. Exit code 74 (EX_IOERR)."""

    exit_code = 74


@dataclass(frozen=True, slots=True)
class Problem:
    """One of several faults found in one pass over a file, so that a person mends them all at once."""

    what: str
    place: Place
    remedy: str = ""

    def __str__(self) -> str:
        head = f"{self.place}: {self.what}"
        return f"{head}\n  fix: {self.remedy}" if self.remedy else head


class ContractProblems(ContractError):
    """Every fault of one contract, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: (one.place.line, one.place.column)))
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the contract")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class KeyringProblems(KeyringError):
    """Every fault of one file of keys, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: (one.place.line, one.place.column)))
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the keys")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
