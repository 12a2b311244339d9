"""Metadata in the form Dagster's pages know: row counts, column schemas, column lineage, and where to look next."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets import keys
from canonical.entities import ENTITIES, frame_schema, golden_schema
from pipeline.hub import Configuration

Metadata = dict[str, Any]
"""Any values Dagster can show."""
Lineage = Mapping[str, Iterable[tuple[dg.AssetKey, str]]]
"""Column → (asset, column) pairs it is made of."""


def table_schema(columns: Mapping[str, pl.DataType]) -> dg.TableSchema:
    """Polars types, by their names."""
    return dg.TableSchema(columns=[dg.TableColumn(name, str(kind)) for name, kind in columns.items()])


def described(schema: dg.TableSchema, lineage: Lineage | None = None) -> Metadata:
    """Schema and lineage under the names Dagster's pages look for."""
    found: Metadata = {"dagster/column_schema": schema}
    if lineage is not None:
        deps = {
            column: [dg.TableColumnDep(asset_key=key, column_name=name) for key, name in origins]
            for column, origins in lineage.items()
        }
        found["dagster/column_lineage"] = dg.TableColumnLineage(
            {column: deps_ for column, deps_ in deps.items() if deps_}
        )
    return found


def of_raw(configuration: Configuration, system: str, stream: str) -> Metadata:
    """The raw fields some mapping reads; the record itself is kept whole."""
    maps = [one for (owner, _), found in configuration.inbound.items() if owner == system for one in found]
    paths = dict.fromkeys(path for one in maps if one.spec.stream == stream for path in _paths(one.lineage))
    return described(dg.TableSchema(columns=[dg.TableColumn(path, "JSON") for path in paths]))


def _paths(lineage: Mapping[str, Iterable[str]]) -> Iterable[str]:
    return (path for paths in lineage.values() for path in paths)


def of_canonical(configuration: Configuration, system: str, entity: str) -> Metadata:
    """Canonical columns, each from the raw fields its mapping names."""
    origins: dict[str, list[tuple[dg.AssetKey, str]]] = {}
    for one in configuration.inbound[system, entity]:
        for column, paths in one.lineage.items():
            origins.setdefault(column, []).extend((keys.raw(system, one.spec.stream), path) for path in paths)
    return described(table_schema(frame_schema(ENTITIES[entity])), origins)


def of_golden(configuration: Configuration, entity: str) -> Metadata:
    """Golden columns, each from the same column of every system that tells of the entity."""
    sources = [keys.canonical(entity, system) for system in configuration.sources_of(entity)]
    columns = {column: [(key, column) for key in sources] for column in ENTITIES[entity].model_fields}
    return described(table_schema(golden_schema(ENTITIES[entity])), columns)


def of_judged(entity: str) -> Metadata:
    """Judged columns are the golden ones."""
    schema = golden_schema(ENTITIES[entity])
    return described(table_schema(schema), {column: [(keys.golden(entity), column)] for column in schema})


def look(command: str) -> dg.MetadataValue[str]:
    """Where a person looks next."""
    return dg.MetadataValue.md(f"`millstream {command}`")


def counted(counts: Mapping[str, int]) -> str:
    """Counts by name as one line of text."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
