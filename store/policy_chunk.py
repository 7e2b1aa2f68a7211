"""How files are read and cut up: a section of the policy, and what a request may choose for one plan."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A part of the policy: frozen, and with no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ChunkPolicy(Section):
    size: int = Field(default=1000, ge=50, le=20_000)
    """Characters of text in a chunk, at most."""
    overlap: int = Field(default_factory=lambda chunk: min(100, chunk.get("size", 1000) // 10), ge=0)
    """Characters repeated from the chunk before, where one paragraph had to be split; unset, a tenth of
    the size and at most 100."""
    pages: str | None = Field(default=None, pattern=r"^\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*$")
    """Pages that are read ("1-20,31"), counted from 1; unset, all. What has no pages is read whole."""
    skip_sections: tuple[str, ...] = ()
    """Sections that are left out: each by a word of its heading, up to the next heading of its level."""
    tags: tuple[Annotated[str, Field(pattern=r"^[\w-]{1,40}=.{1,100}$")], ...] = ()
    """What is written on every chunk, as "name=value", for programs to filter by; `audience` is who may find it."""
    asked: bool = False
    """Set for a plan whose request chose these: what it made stays as it is until a request says otherwise."""

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> Self:
        if self.overlap >= self.size:
            raise ValueError(f"chunk.overlap ({self.overlap}) must be smaller than chunk.size ({self.size})")
        return self
