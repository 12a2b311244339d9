"""Facts about master records that other systems should learn: which golden code a record of theirs belongs to."""

from __future__ import annotations

from typing import ClassVar

from canonical.base import Entity


class GoldenCodeAllocated(Entity):
    """A system's item or partner, and the golden code it stands under; another one after a merge or a split.

    Only of connections that take codes back (`golden_codes` of the deployment).
    """

    entity: ClassVar[str] = "golden_code_allocated"
    key: ClassVar[tuple[str, ...]] = ("record",)

    record: str
    """`entity|system|source_key`."""
    master: str
    """The entity: `item` or `partner`."""
    system: str
    role: str
    """The role the system plays."""
    source_key: str
    golden_code: str
    name: str | None = None
    own_code: bool
    """Whether the system calls the record by its golden code already."""


MASTER_FACTS: tuple[type[Entity], ...] = (GoldenCodeAllocated,)
"""Facts about master records."""
