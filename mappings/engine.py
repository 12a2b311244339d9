"""Inbound mappings, compiled once to Polars expressions: raw records in, canonical rows and rejections out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, reduce
from operator import or_
from typing import Any

import polars as pl

from canonical.base import Entity
from canonical.entities import ENTITIES, field_types, frame_schema, mandatory_fields
from canonical.keys import SEPARATOR
from canonical.units import known_units
from mappings.casting import CASTS, Cast, allowed_codes, rounded_decimal, unit_fields
from mappings.decode import SOUND, STRUCTURE, presence_column, raw_columns, text_column
from mappings.functions import COLUMN_FUNCTIONS
from mappings.lineage import field_lineage
from mappings.spec import Condition, InboundField, InboundSpec, JoinPart, Scalar

CHANGED_AT = "changed_at"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A raw record that cannot become a canonical one: which rule, at which raw path, and the record itself."""

    entity: str
    system: str
    source_key: str | None
    rule: str
    path: str
    message: str
    payload: str


@dataclass(frozen=True, slots=True)
class Check:
    """One way a row can fail: where `failing` is true. `shown` is the column whose value the message quotes.

    A row can fail only where column `blank` is null (None: any row can), so that a column without nulls says of all
    rows at once, and for nothing, that none does.
    """

    rule: str
    path: str
    message: str
    failing: pl.Expr
    shown: str | None = None
    blank: str | None = None


@dataclass(frozen=True, slots=True)
class CompiledField:
    """One canonical field: text first, then typed; `checks` compare the two.

    The text stands in column `text_at`, the typed value in `typed_at` (None: there is none); where they are no raw
    column as it is, `text` and `typed` say how they are made. It is absent where none of its raw `paths` stands in the
    record, unless it is `given` by the mapping itself.
    """

    name: str
    text_at: str | None = None
    typed_at: str | None = None
    text: pl.Expr | None = None
    typed: pl.Expr | None = None
    checks: tuple[Check, ...] = ()
    paths: tuple[str, ...] = ()
    given: bool = False

    @property
    def value(self) -> pl.Expr:
        """The typed value."""
        return pl.lit(None) if self.typed_at is None else pl.col(self.typed_at)

    @property
    def absent(self) -> pl.Expr:
        """True where none of the paths stands in the record."""
        return ~reduce(or_, (pl.col(presence_column(path)) for path in self.paths))


@dataclass(frozen=True)
class InboundMapping:
    """A compiled mapping. Safe to share between threads."""

    spec: InboundSpec
    timezone: str
    model: type[Entity]
    paths: tuple[str, ...]
    fields: tuple[CompiledField, ...]
    checks: tuple[Check, ...]
    key: pl.Expr

    @property
    def lineage(self) -> Mapping[str, tuple[str, ...]]:
        """Canonical field → the raw fields it is made of."""
        return field_lineage(self.spec)

    def apply(self, raw: pl.DataFrame, system: str) -> tuple[pl.DataFrame, list[Rejected]]:
        """Map the JSON texts in column `record`.

        Gives a frame of `canonical.entities.frame_schema`, in the order of the records, and one
        `Rejected` for each record that fails (its first fault; the message names the others as well).
        """
        rows = raw_columns(raw["record"], self.paths)
        if self.spec.where:
            rows = rows.filter(~pl.col("readable") | _passes(self.spec.where))
        for columns in self._steps:
            rows = rows.with_columns(columns)
        faulty = self._faulty(rows)
        said = {"system": pl.lit(system, dtype=pl.String).alias("system"), "absent": self._absences(rows)}
        finished = [said.get(name, column) for name, column in self._finished.items()]
        good = (rows if faulty is None else rows.filter(~faulty)).select(finished)
        if self.spec.unique and good["source_key"].n_unique() < good.height:
            good = good.unique("source_key", keep="last", maintain_order=True)
        return good, [] if faulty is None else list(self._rejections(rows.filter(faulty), system))

    @cached_property
    def _steps(self) -> tuple[tuple[pl.Expr, ...], ...]:
        """Columns made of raw ones, and those made of these; those that stand as they came are not made again."""
        changed = self.spec.changed_at
        texts = [field.text.alias(_text_name(field.name)) for field in self.fields if field.text is not None]
        typed = [field.typed.alias(field.name) for field in self.fields if field.typed is not None]
        if changed:
            said = _through(changed.call, pl.col(text_column(changed.source)), self.timezone)
            texts.append(CASTS[datetime].apply(said, self.timezone).alias(CHANGED_AT))
        return tuple(tuple(step) for step in (texts, typed) if step)

    def _absences(self, rows: pl.DataFrame) -> pl.Expr:
        """Column `absent`: the fields none of whose paths stands in the record. Most paths stand in every record."""
        columns = frozenset(rows.columns)
        lacking = {path for path in self.paths if presence_column(path) in columns}
        names = [
            pl.when(field.absent).then(pl.lit(field.name)) if field.paths else pl.lit(field.name)
            for field in self.fields
            if not field.given and lacking.issuperset(field.paths)
        ]
        found = pl.concat_list(names).list.drop_nulls() if names else pl.lit([], dtype=pl.List(pl.String))
        return found.alias("absent")

    def _faulty(self, rows: pl.DataFrame) -> pl.Series | None:
        """Which rows fail a check; None where none does."""
        nulls = rows.null_count().row(0, named=True)
        failing = [
            check.failing.fill_null(value=False) for check in self.checks if not check.blank or nulls[check.blank]
        ]
        faulty = rows.select(pl.any_horizontal(failing)).to_series() if failing else None
        return faulty if faulty is not None and faulty.any() else None

    @cached_property
    def _finished(self) -> Mapping[str, pl.Expr]:
        """The frame's columns, with what stands where nothing was said; without `system` and `absent`."""
        own, native = self.model.model_fields, self.spec.native_id
        found = {field.name: field.value for field in self.fields} | {
            "source_key": self.key,
            "native_id": pl.col(text_column(native)) if native else pl.lit(None),
            CHANGED_AT: pl.col(CHANGED_AT) if self.spec.changed_at else pl.lit(None),
        }
        defaults = {
            name: field.default for name, field in own.items() if not field.is_required() and field.default is not None
        }
        return {
            name: _or(found.get(name, pl.lit(None)), defaults.get(name)).cast(kind).alias(name)
            for name, kind in frame_schema(self.model).items()
        }

    def _rejections(self, faulty: pl.DataFrame, system: str) -> Iterator[Rejected]:
        marked = faulty.with_columns(
            self.key.alias("source_key"),
            *(check.failing.fill_null(value=False).alias(f"fault:{index}") for index, check in enumerate(self.checks)),
        )
        for row in marked.iter_rows(named=True):
            failed = [check for index, check in enumerate(self.checks) if row[f"fault:{index}"]]
            yield Rejected(
                entity=self.spec.entity,
                system=system,
                source_key=_named(row["source_key"]),
                rule=failed[0].rule,
                path=failed[0].path,
                message="; ".join(_message(check, row) for check in failed),
                payload=row["record"] or "",
            )


def compile_inbound(spec: InboundSpec, timezone: str) -> InboundMapping:
    """Compile a checked spec. `timezone` is the IANA zone of the system's times without an offset."""
    model = ENTITIES[spec.entity]
    fields = tuple(_compile_field(spec, model, name, timezone) for name in model.model_fields)
    key_fields = spec.source_key or model.key
    changed = spec.changed_at.source if spec.changed_at else None
    envelope = [path for path in (spec.native_id, changed, *(each.field for each in spec.where)) if path]
    paths = tuple(dict.fromkeys((*(path for field in spec.fields.values() for path in field.paths()), *envelope)))
    return InboundMapping(
        spec=spec,
        timezone=timezone,
        model=model,
        paths=paths,
        fields=fields,
        checks=(*_envelope_checks(spec, paths), *(check for field in fields for check in field.checks)),
        key=_joined([field.value.cast(pl.String) for name in key_fields for field in fields if field.name == name]),
    )


def _compile_field(spec: InboundSpec, model: type[Entity], name: str, timezone: str) -> CompiledField:
    field, kind = spec.fields.get(name), field_types(model)[name]
    cast = CASTS[kind]
    if field is None:
        return CompiledField(name)
    if field.places is not None:
        cast = Cast(cast.rule, "a number", rounded_decimal(field.places))
    called, codes = _called(field, timezone), _code_map(spec, model, name, field)
    text_at = _raw_at(field) if codes is None else None
    text = None if text_at is not None else _text(field, called, codes)
    text_at = text_at or _text_name(name)
    typed = None if cast is CASTS[str] else cast.apply(pl.col(text_at), timezone)
    made = CompiledField(name, text_at, text_at if typed is None else name, text, typed)
    paths = field.paths()
    checks = (
        *_code_checks(model, made, field, called, codes),
        *_value_checks(spec, model, made, field, cast, codes=codes),
    )
    return replace(made, checks=checks, paths=paths, given=not paths or field.default is not None)


def _raw_at(field: InboundField) -> str | None:
    """The raw column that is the field's text as it came; None where something is made of it."""
    as_it_came = field.source and not (field.join or field.call or field.cases or field.default is not None)
    return text_column(field.source) if field.source and as_it_came else None


def _text(field: InboundField, called: pl.Expr, codes: Mapping[str, str | None] | None) -> pl.Expr:
    """The field's text after its code map, its default and its cases."""
    text = called if codes is None else _coded(called, codes)
    if field.default is not None:
        text = text.fill_null(_plain(field.default))
    for case in reversed(field.cases):
        text = (
            pl.when(_equals(case.field, case.equals)).then(pl.lit(_plain(case.value), dtype=pl.String)).otherwise(text)
        )
    return text


def _called(field: InboundField, timezone: str) -> pl.Expr:
    """The field's text after its functions, before its code map."""
    if field.join:
        text = _joined([_part(part) for part in field.join])
    elif field.source:
        text = pl.col(text_column(field.source))
    else:
        text = pl.lit(_plain(field.value), dtype=pl.String)
    return _through(field.call, text, timezone)


def _through(functions: tuple[str, ...], text: pl.Expr, timezone: str) -> pl.Expr:
    for name in functions:
        text = COLUMN_FUNCTIONS[name](text, timezone)
    return text


def _part(part: JoinPart) -> pl.Expr:
    return pl.col(text_column(part.source)) if part.source else pl.lit(part.value, dtype=pl.String)


def _joined(parts: list[pl.Expr]) -> pl.Expr:
    """As `canonical.keys.join_key`; null where a part is null."""
    if len(parts) == 1:
        return parts[0]
    escaped = [
        part.str.replace_all("\\", "\\\\", literal=True).str.replace_all(SEPARATOR, f"\\{SEPARATOR}", literal=True)
        for part in parts
    ]
    return pl.concat_str(escaped, separator=SEPARATOR)


def _code_map(
    spec: InboundSpec, model: type[Entity], name: str, field: InboundField
) -> Mapping[str, str | None] | None:
    """The field's own map, or the system's units where the field is a unit."""
    if field.map is not None:
        return {key: _plain(value) for key, value in field.map.items()}
    if name in unit_fields(model) and field.source:
        return spec.units or {unit: unit for unit in known_units()}
    return None


def _coded(text: pl.Expr, codes: Mapping[str, str | None]) -> pl.Expr:
    given = {key: value for key, value in codes.items() if value is not None}
    return text.replace_strict(given, default=None, return_dtype=pl.String) if given else pl.lit(None, dtype=pl.String)


def _code_checks(
    model: type[Entity],
    made: CompiledField,
    field: InboundField,
    called: pl.Expr,
    codes: Mapping[str, str | None] | None,
) -> Iterator[Check]:
    if codes is None:
        return
    name = made.name
    path, shown = _shown(field)
    by_case = reduce(or_, (_equals(case.field, case.equals) for case in field.cases), pl.lit(value=False))
    unknown = called.is_not_null() & ~called.is_in(sorted(codes)) & ~by_case.fill_null(value=False)
    blank = made.text_at if field.default is None else None
    if name in unit_fields(model):
        yield Check("unknown_unit", path, f"{name}: unit is not in the unit map", unknown, shown, blank)
    else:
        yield Check("unknown_code", path, f"{name}: code is not in the map", unknown, shown, blank)


def _value_checks(
    spec: InboundSpec,
    model: type[Entity],
    made: CompiledField,
    field: InboundField,
    cast: Cast,
    *,
    codes: Mapping[str, str | None] | None,
) -> Iterator[Check]:
    name, text_at = made.name, made.text_at or ""
    text, typed = pl.col(text_at), made.value
    path, shown = _shown(field)
    if cast is not CASTS[str]:
        bad = text.is_not_null() & typed.is_null()
        yield Check(cast.rule, path, f"{name}: not {cast.expected}", bad, shown, blank=made.typed_at)
    allowed = allowed_codes(model, name)
    if allowed is not None and not (codes and _said(field, codes) <= {None, *allowed}):
        yield Check("unknown_code", path, f"{name}: not one of {', '.join(allowed)}", ~typed.is_in(allowed), shown)
    if name in (spec.source_key or model.key):
        yield Check("missing_key", path, f"{name}: part of the key, but empty", text.is_null(), blank=text_at)
    elif name in mandatory_fields(model):
        source = pl.col(shown) if shown else text
        empty = text.is_null() & source.is_null()
        yield Check("missing_value", path, f"{name}: mandatory, but empty", empty, blank=text_at)


def _said(field: InboundField, codes: Mapping[str, str | None]) -> set[str | None]:
    """All that a field with a code map can say."""
    return {*codes.values(), _plain(field.default), *(_plain(case.value) for case in field.cases)}


def _envelope_checks(spec: InboundSpec, paths: tuple[str, ...]) -> Iterator[Check]:
    yield Check(
        "not_json", "", "the record is not a JSON object, or holds half a character", ~pl.col("readable"), blank=SOUND
    )
    for path in paths:
        structured = pl.col(text_column(path)) == STRUCTURE
        yield Check("not_a_value", path, "a list or an object stands where a value belongs", structured, blank=SOUND)
        nul = pl.col(text_column(path)).str.contains("\x00", literal=True) & ~structured
        yield Check("bad_text", path, "a NUL character stands in it", nul, blank=SOUND)
    if spec.changed_at:
        path = spec.changed_at.source
        column = text_column(path)
        bad = pl.col(column).is_not_null() & pl.col(CHANGED_AT).is_null()
        yield Check("bad_time", path, "changed_at: not a time", bad, column, blank=CHANGED_AT)


def _passes(conditions: tuple[Condition, ...]) -> pl.Expr:
    result = pl.lit(value=True)
    for condition in conditions:
        text = pl.col(text_column(condition.field))
        if condition.equals:
            result &= _equals(condition.field, condition.equals)
        if condition.unless:
            result &= ~_equals(condition.field, condition.unless)
        if condition.present:
            result &= text.is_not_null()
    return result


def _equals(path: str, values: tuple[str, ...]) -> pl.Expr:
    return pl.col(text_column(path)).is_in(list(values)).fill_null(value=False)


def _shown(field: InboundField) -> tuple[str, str | None]:
    """The path to name in a message, and the column whose value to quote."""
    paths = field.paths()
    return ", ".join(paths), text_column(paths[0]) if len(paths) == 1 or (paths and field.source) else None


def _named(key: str | None) -> str | None:
    """The key of a record, where it is one: with a NUL, which stands for a structure too, no database would hold it."""
    return None if key is None or "\x00" in key else key


def _message(check: Check, row: Mapping[str, Any]) -> str:
    value = row[check.shown] if check.shown else None
    return check.message if value is None else f"{check.message}: {value!r}"


def _plain(value: Scalar) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _text_name(field: str) -> str:
    return f"text:{field}"


def _or(column: pl.Expr, default: object) -> pl.Expr:
    return column if default is None else column.fill_null(pl.lit(default))
