"""What every section of the contract is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Frozen, and nothing unknown is accepted: a field that is not enforced is no field."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
