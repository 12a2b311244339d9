"""Field lineage, read off the mapping itself: which raw fields a canonical field is made of."""

from __future__ import annotations

from collections.abc import Mapping

from canonical.entities import ENTITIES
from mappings.spec import InboundSpec


def field_lineage(spec: InboundSpec) -> Mapping[str, tuple[str, ...]]:
    """Canonical column (envelope included) → raw fields. Columns that come from no raw field have an empty tuple."""
    own = {name: field.paths() for name, field in spec.fields.items()}
    key = spec.source_key or ENTITIES[spec.entity].key
    key_paths = tuple(dict.fromkeys(path for name in key for path in own.get(name, ())))
    return {
        "source_key": key_paths,
        "native_id": (spec.native_id,) if spec.native_id else (),
        "changed_at": (spec.changed_at.source,) if spec.changed_at else (),
        **{name: own.get(name, ()) for name in ENTITIES[spec.entity].model_fields},
    }
