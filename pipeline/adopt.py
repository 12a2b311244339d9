"""Adopt: documents that stand in a target and carry our reference, but that this hub does not remember.

At the first connection, and after a restore from a backup, they are taken over instead of made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.hub import Hub
from store import connections, documents
from store.documents import Document


def adopt(hub: Hub) -> int:
    """Remember every pulled document that carries our reference; how many were new to us."""
    adopted = 0
    for system in hub.deployment.systems:
        found = [document for entity in _entities(hub, system) for document in _documents(hub, system, entity)]
        with hub.store.begin() as tx:
            known = {(row.entity, row.business_key) for row in documents.listed(tx, system)}
            fresh = [document for document in found if (document.entity, document.business_key) not in known]
            documents.record(tx, fresh)
            seen: dict[str, list[str]] = {}
            for document in found:
                seen.setdefault(document.entity, []).append(document.business_key)
            for entity, keys in seen.items():
                documents.mark_seen(tx, system, entity, keys, hub.now())
            connections.mark_adopted(tx, system, hub.now())
        adopted += len(fresh)
    return adopted


def _entities(hub: Hub, system: str) -> list[str]:
    return [entity for entity in hub.configuration.entities if system in hub.configuration.sources_of(entity)]


def _documents(hub: Hub, system: str, entity: str) -> list[Document]:
    frame = hub.frames.read(f"canonical/{entity}/{system}")
    if frame is None or "our_reference" not in frame.columns:
        return []
    ours = frame.filter(pl.col("our_reference").is_not_null()).unique(
        "our_reference", keep="first", maintain_order=True
    )
    return [_document(hub, system, entity, row) for row in ours.iter_rows(named=True)]


def _document(hub: Hub, system: str, entity: str, row: Mapping[str, Any]) -> Document:
    return Document(
        system=system,
        entity=entity,
        business_key=row["our_reference"],
        native_id=row["native_id"] or row["source_key"],
        native_number=row.get("code") or row.get("number"),
        revision=0,
        content=None,
        origin="adopted",
        applied_at=hub.now(),
    )
