"""One raw record in, its canonical record out, with what each field came from: for the person who writes a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from canonical.strict_json import dumps
from mappings.decode import parse_record, raw_value
from mappings.engine import InboundMapping, Rejected


@dataclass(frozen=True, slots=True)
class Origin:
    """One canonical field: its value, the raw fields it is made of, and what stands in them."""

    field: str
    value: Any
    raw: Mapping[str, Any]
    """Raw path → raw value; a path that does not stand in the record is left out."""
    absent: bool
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a mapping makes of one record. `record` is None where it is rejected or filtered out."""

    record: Mapping[str, Any] | None
    origins: tuple[Origin, ...]
    rejected: Rejected | None
    unused: tuple[str, ...]
    """Raw fields that no canonical field uses."""

    @property
    def filtered(self) -> bool:
        """True where the mapping's `where` passes the record over."""
        return self.record is None and self.rejected is None


def preview(mapping: InboundMapping, record: Mapping[str, Any], system: str) -> Preview:
    """Run one raw record through the very mapping the pipeline uses."""
    text = dumps(dict(record))
    rows, rejected = mapping.apply(pl.DataFrame({"record": [text]}, schema={"record": pl.String}), system)
    canonical = rows.row(0, named=True) if rows.height else None
    raw = parse_record(text) or {}
    origins = tuple(_origin(mapping, name, raw, canonical) for name in mapping.lineage)
    used = set(mapping.paths) | {path.partition(".")[0] for path in mapping.paths}
    unused = tuple(sorted(set(raw) - used))
    return Preview(canonical, origins, rejected[0] if rejected else None, unused)


def _origin(mapping: InboundMapping, name: str, raw: Mapping[str, Any], canonical: Mapping[str, Any] | None) -> Origin:
    found = {path: raw_value(raw, path) for path in mapping.lineage[name]}
    field = mapping.spec.fields.get(name)
    return Origin(
        field=name,
        value=canonical[name] if canonical else None,
        raw={path: value for path, (present, value) in found.items() if present},
        absent=canonical is not None and name in canonical["absent"],
        functions=field.call if field else (),
    )
