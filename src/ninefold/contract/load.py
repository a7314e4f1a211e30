"""A contract from its file: every fault at once, each with its place and what to do about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from ninefold.contract import openapi
from ninefold.contract.check import advice, problems
from ninefold.contract.model import Contract, Upstream
from ninefold.contract.pending import pending
from ninefold.contract.source import Source, SourceFault, as_error, parse, read_bytes
from ninefold.errors import ContractError, ContractProblems, FileError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ninefold.contract.description import Description
    from ninefold.contract.documents import Graph
    from ninefold.contract.source import Path_

MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadedContract:
    """A contract and its description, both checked, and where they came from.

    `graphs` are what its GraphQL endpoints serve, by their operation.
    """

    contract: Contract
    description: Description
    path: Path
    source: Source
    graphs: Mapping[str, Graph] = dataclasses.field(default_factory=dict)

    def resolve(self, relative: str) -> Path:
        """A path that the contract names, which is relative to the contract's own folder."""
        return self.path.parent / relative

    def with_upstream(self, url: str) -> LoadedContract:
        """The same contract in front of another upstream. Raises `ContractError` where `url` is none."""
        before = self.contract.upstream
        try:
            upstream = Upstream.model_validate({**(before.model_dump() if before else {}), "url": url})
        except ValidationError as fault:
            raise ContractError(
                fault.errors()[0]["msg"], remedy="give scheme, host and port, as http://127.0.0.1:9000"
            ) from None
        return replace(self, contract=self.contract.model_copy(update={"upstream": upstream}))

    def advice(self) -> list[Problem]:
        """What may be meant, and what a reviewer would ask about."""
        return advice(self.contract, self.description, self.source)


def load_contract(path: Path) -> LoadedContract:
    """Read, check and freeze a contract. Raises `FileError`, `DescriptionError`, `ContractError` or `ContractProblems`."""
    content = read_bytes(path, MOST_BYTES)
    try:
        source = parse(content, str(path))
    except SourceFault as fault:
        raise as_error(fault, ContractError) from None
    if not isinstance(source.data, dict):
        raise ContractError(
            "is no contract: it has no sections",
            place=Place(str(path), 1, 1),
            remedy="begin with `api: openapi.yaml` and `upstream: http://127.0.0.1:9000`, or run `ninefold contract draft`",
        )
    planned = dict(pending(source))
    found = list(planned.values())
    data = _without(source.data, tuple(planned))
    try:
        contract = Contract.model_validate(data)
    except ValidationError as fault:
        raise ContractProblems([*found, *_problems(fault, source, tuple(planned))]) from None
    if found:
        raise ContractProblems(found)
    named = path.parent / contract.api.description
    try:
        description = openapi.load(named)
    except FileError as fault:
        place = source.place(("api", "description"))
        raise ContractError(
            f"the description {named} {fault.what}", place=place, remedy="name the API's OpenAPI file"
        ) from None
    faults = problems(contract, description, source)
    served: dict[str, Graph] = {}
    if contract.graphql:
        from ninefold.contract.sdl import graphql_problems, graphs  # noqa: PLC0415  # loads what few contracts need

        served = graphs(contract, path.parent, source)
        faults += graphql_problems(contract, description, source, served)
    if faults:
        raise ContractProblems(faults)
    return LoadedContract(contract, description, path, source, served)


def _without(data: Any, planned: tuple[Path_, ...], path: Path_ = ()) -> Any:
    """The data without the fields that are told of already, so that they are not told of twice."""
    if isinstance(data, dict):
        return {
            name: _without(one, planned, (*path, name)) for name, one in data.items() if (*path, name) not in planned
        }
    if isinstance(data, list):
        return [_without(one, planned, (*path, place)) for place, one in enumerate(data)]
    return data


def _problems(fault: ValidationError, source: Source, planned: tuple[Path_, ...]) -> list[Problem]:
    found: list[Problem] = []
    errors = [(*_path(error["loc"], source.data), error) for error in fault.errors(include_url=False)]
    for path, known, error in errors:
        # a list that is too short because its items are faulty, and a field that a planned one stands for: told already
        if error["type"] == "too_short" and any(
            len(other) > len(path) and other[: len(path)] == path for other, _, _ in errors
        ):
            continue
        if error["type"] == "missing" and any(one[:-1] == path[:-1] for one in planned):
            continue
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
        kind = error["type"]
        if kind == "extra_forbidden":
            near = get_close_matches(str(path[-1]).lower(), known, 1)
            remedy = (
                f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}" if known else "remove it"
            )
            found.append(Problem(f"there is no field `{name}`", source.place(path, key=True), remedy))
        elif kind == "missing":
            place = source.place(path[:-1], key=True)
            found.append(Problem(f"`{name}` is missing", place, f"add `{path[-1]}:`"))
        else:
            what = error["msg"].removeprefix("Value error, ")
            text, _, remedy = what.partition("; ")
            found.append(Problem(f"`{name}`: {text}" if name else text, source.place(path), remedy or _expected(error)))
    return found


def _expected(error: Any) -> str:
    context = error.get("ctx") or {}
    if "expected" in context:
        return f"write {context['expected']}"
    return "see `ninefold contract schema`, or docs/contract.md"


def _path(location: tuple[int | str, ...], data: Any) -> tuple[Path_, list[str]]:
    """Pydantic's location without the marks of unions, and the names of the fields that are known there."""
    path: list[str | int] = []
    model: Any = Contract
    short = {("api",): dict, ("upstream",): dict}
    for part in location:
        named = isinstance(data, dict) and part in data
        if (
            isinstance(part, str)
            and not named
            and ("[" in part or part in {"Upstream", "Api", "Authorization", "Identity"})
        ):
            continue
        if tuple(path) == ("limits",) and part == "rates" and isinstance(data, list):
            continue
        if tuple(path) in short and not isinstance(data, dict):
            continue
        path.append(part)
        data = data.get(part) if isinstance(data, dict) else data[part] if _holds(data, part) else None
        model = _field_model(model, part) if len(path) < len(location) else model
    names = [field.alias or name for name, field in model.model_fields.items()] if _is_model(model) else []
    return tuple(path), names


def _holds(data: Any, part: int | str) -> bool:
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _field_model(model: Any, part: int | str) -> Any:
    """The model that stands behind a field's annotation, through unions, tuples and `Annotated`."""
    if not _is_model(model):
        return model
    for name, field in model.model_fields.items():
        if part in {name, field.alias}:
            waiting = [field.annotation]
            while waiting:
                one = waiting.pop()
                if _is_model(one):
                    return one
                waiting.extend(getattr(one, "__args__", ()))
            return None
    return model
