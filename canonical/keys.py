"""Keys as text: joined so that no two different tuples give the same key, and deterministic ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import lru_cache

SEPARATOR = "|"
_NAMESPACE = uuid.UUID("6f1c3b1e-54b7-5a0e-9a56-6d2b7a1f0c11")


def join_key(parts: Iterable[object]) -> str:
    """Join key parts; separators inside a part are escaped so that the join stays one-to-one.

    A key of one part is that part as it is: references to it name it so.
    """
    known = tuple(parts)
    if len(known) == 1:
        return str(known[0])
    return SEPARATOR.join(str(part).replace("\\", "\\\\").replace(SEPARATOR, "\\" + SEPARATOR) for part in known)


@lru_cache(maxsize=8192)
def command_id(kind: str, system: str, business_key: str, revision: int) -> str:
    """A command's id: the same business key and revision give the same id for ever, on any machine."""
    return str(uuid.uuid5(_NAMESPACE, join_key((kind, system, business_key, revision))))


CONFIGURED = "~"
"""Between an item and the digest of its configuration; no golden id has it."""


def configured_code(template: str, digest: str) -> str:
    """The golden id of a configured item: its template's with a digest of what it is made of."""
    return f"{template}{CONFIGURED}{digest}"


def template_of(item: str) -> str:
    """The item other systems know: a configured item's template, any other item itself."""
    return item.partition(CONFIGURED)[0]
