"""The contract's section about what leaves (sign 7): what was declared, to whom it is for, and in other words where need be."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from ninefold.contract.section import Section
from ninefold.contract.value import FilePath, Why
from ninefold.leak.rule import Kind

Found = Literal["report", "mask", "block", "ignore"]
MASK = re.compile(r"redact|last4|email|pseudonym|range [1-9][0-9]{0,14}")


class Masking(Section):
    """How a field leaves. A bare word is short for `{as: WORD}`."""

    as_: str = Field(
        alias="as",
        description="`redact` (nothing of it), `last4` (the last four characters), `email` (first letter and domain), "
        "`pseudonym` (a keyed digest: the same for the same value) or `range 1000` (the number that its range begins with).",
    )
    unless: tuple[str, ...] = Field((), description="Callers who hold one of these roles or scopes get it as it is.")

    @field_validator("as_")
    @classmethod
    def _known(cls, word: str) -> str:
        if MASK.fullmatch(word) is None:
            raise ValueError(f"{word!r} is no mask; write redact, last4, email, pseudonym or `range 1000`")
        return word


def _short(value: Any) -> Any:
    return {"as": value} if isinstance(value, str) else value


class Leaks(Section):
    """What should never leave inside of a free text. A bare word is short for `{found: WORD}`."""

    found: Found = Field(
        "report",
        description="A stack trace, a statement or an error of a database, a path of the server, a version of what it runs "
        "on, a secret, the number of a card or of a person, found in a text that may be any: it leaves and the trail tells its "
        "kind and place (`report`), `****` leaves in its place (`mask`), the answer is withheld (`block`), or nobody looks "
        "(`ignore`). Members that are named after what they hold (`iban`, `token`, `version`) are not searched for that.",
    )
    kinds: dict[Kind, Found] = Field(
        {}, description="The same for one kind: " + ", ".join(f"`{one}`" for one in Kind) + "."
    )
    expected: dict[str, Why] = Field(
        {}, description="Fields whose texts are not searched, and why; named as in `visible_to`."
    )


def _found(value: Any) -> Any:
    return {"found": value} if isinstance(value, str) else value


class Responses(Section):
    """Sign 7. What the description does not declare does not leave."""

    undeclared: Literal["drop", "block", "report"] = Field(
        "drop",
        description="Undeclared members of a JSON answer stay behind and are counted in the trail (`drop`), the answer is "
        "withheld (`block`), or it leaves as it is and the trail tells (`report`). Undeclared statuses and media types are "
        "withheld, or reported.",
    )
    errors: Literal["scrub"] = Field(
        "scrub", description="Bodies of 5xx and of undeclared error answers are replaced by problem+json (RFC 9457)."
    )
    compression: Literal["follow", "none"] = Field(
        "follow",
        description="What becomes of `Accept-Encoding` where responses are read. `follow`: the API is asked for gzip, br "
        "and zstd as the caller asks, and what it compressed is opened, read, and compressed again. `none`: it is not asked, "
        "and what is read leaves uncompressed.",
    )
    open: dict[str, Why] = Field({}, description="Operations whose responses pass unread, and why. Default: none.")
    visible_to: dict[str, tuple[str, ...]] = Field(
        {},
        description="Fields that leave only for callers who hold one of these roles or scopes: `email`, wherever a member has "
        "that name, or `User.email`, that of a schema in the description.",
    )
    mask: dict[str, Annotated[Masking, BeforeValidator(_short)]] = Field(
        {}, description="Fields that leave in other words, named as in `visible_to`."
    )
    leaks: Annotated[Leaks, BeforeValidator(_found)] = Field(
        Leaks(), description="What becomes of what should never leave inside of a free text."
    )
    pseudonym_key: FilePath | None = Field(
        None,
        description="A file with at least 32 bytes, the key of pseudonyms. Default: another key with each start, so that "
        "pseudonyms are alike only as long as the guard runs.",
    )

    @field_validator("visible_to")
    @classmethod
    def _to_somebody(cls, fields: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, holders in fields.items():
            if not holders:
                raise ValueError(
                    f"{name!r} is visible to nobody; leave it out of the description, then it stays behind"
                )
        return fields

    @model_validator(mode="after")
    def _one_of_them(self) -> Responses:
        if self.undeclared == "report" and (self.visible_to or self.mask):
            raise ValueError(
                "`undeclared: report` lets answers out as they are; with fields that are masked, or not for everybody, "
                "write `drop` or `block`"
            )
        if self.undeclared == "report" and "mask" in {self.leaks.found, *self.leaks.kinds.values()}:
            raise ValueError(
                "`undeclared: report` lets answers out as they are; with leaks that are masked, write `drop` or `block`"
            )
        return self
