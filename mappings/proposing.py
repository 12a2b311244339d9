"""A first draft of an inbound mapping: which raw field is likely which canonical one, by name and by what it holds.

A draft names only raw fields that were seen. Where nothing fits a field that a record needs, it says so by a name
nobody sends (`FILL_IN`), so that the mapping loads and every record is refused with that field's name until a person
has decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher

from canonical.base import Entity
from canonical.entities import ENTITIES, field_types, mandatory_fields
from canonical.units import known_units
from mappings.casting import allowed_codes, unit_fields

FILL_IN = "FILL_IN"
ALIKE = 0.84
"""Names this alike count as one; below it a slip is likelier than a hit."""
MOST_CODES = 12
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "code": ("part no", "part number", "item no", "item number", "item code", "material no", "material code", "sku",
             "number", "no", "product code", "customer code", "supplier code", "物料编码", "编码"),
    "number": ("no", "order no", "order number", "doc no", "bill no", "单据编号", "单号"),
    "name": ("title", "description", "part name", "item name", "material name", "物料名称", "名称"),
    "item": ("part", "part no", "part number", "item number", "item no", "item code", "sku", "material",
             "material no", "material code", "物料编码"),
    "unit": ("uom", "unit of measure", "base unit", "unit code", "计量单位", "单位"),
    "quantity": ("qty", "on hand", "amount", "数量"),
    "warehouse": ("site", "location", "store", "warehouse code", "warehouse no", "仓库", "仓库编码"),
    "status": ("state", "stock status", "状态"),
    "lot": ("batch", "lot id", "lot no", "batch no", "批号"),
    "specification": ("spec", "规格", "规格型号"),
    "drawing_number": ("drawing", "drawing no", "图号"),
    "lead_time_days": ("lead time", "leadtime", "提前期"),
    "sourcing": ("make or buy", "procurement type", "source type", "物料属性"),
    "obsolete": ("discontinued", "inactive", "禁用"),
    "due": ("due date", "delivery date", "required date", "交货日期"),
    "tax_number": ("tax id", "vat no", "vat number", "统一社会信用代码"),
    "customer": ("customer no", "customer code", "客户"),
    "supplier": ("supplier no", "vendor", "vendor no", "供应商"),
}  # fmt: skip
CODES: Mapping[str, str] = {
    "bought": "buy", "purchased": "buy", "purchase": "buy", "外购": "buy", "made": "make", "manufactured": "make",
    "自制": "make", "outsourced": "subcontract", "委外": "subcontract", "ok": "available", "free": "available",
    "unrestricted": "available", "hold": "blocked", "quality": "inspection",
}  # fmt: skip
UNITS: Mapping[str, str] = {
    "ea": "pcs", "each": "pcs", "pc": "pcs", "pce": "pcs", "st": "pcs", "c62": "pcs", "h87": "pcs", "个": "pcs",
    "件": "pcs", "kgm": "kg", "千克": "kg", "公斤": "kg", "grm": "g", "克": "g", "mtr": "m", "米": "m", "mmt": "mm",
    "ltr": "l", "升": "l", "hur": "h", "hr": "h", "bx": "box", "箱": "box",
}  # fmt: skip
_NATIVE = ("id", "guid", "uuid", "internal id", "object id")
_CHANGED = ("modified", "changed", "updated", "modified at", "changed at", "updated at", "last modified", "modify date")


@dataclass(frozen=True, slots=True)
class Drafted:
    """One canonical field: its raw one, the codes that are clear, and those a person has to say."""

    name: str
    source: str
    kind: str
    codes: Mapping[str, str]
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A whole mapping. `left` are raw fields nothing was made of, `open` canonical ones nothing was found for."""

    entity: str
    fields: tuple[Drafted, ...]
    native_id: str | None
    changed_at: str | None
    units: Mapping[str, str]
    unknown_units: tuple[str, ...]
    left: tuple[str, ...]
    open: tuple[str, ...]


def propose(entity: str, raw: Mapping[str, tuple[str, ...]]) -> Draft:
    """A draft for one entity from raw paths and the values seen in them (none where only names are known)."""
    model = ENTITIES[entity]
    needed = dict.fromkeys((*mandatory_fields(model), *model.key))
    paired = _paired(model, raw, needed)
    fields = [_drafted(model, name, paired[name], raw) for name in model.model_fields if name in paired]
    fields += [Drafted(name, FILL_IN, _kind(model, name), {}) for name in needed if name not in paired]
    changed = next((path for path in raw if _best(path, _CHANGED) >= ALIKE), None)
    native = next((path for path in raw if _plain(path) in _NATIVE), None)
    codes = [code for one in fields if one.name in unit_fields(model) for code in raw.get(one.source, ())]
    units = {code: unit for code in codes if (unit := _unit(code))}
    used = {*paired.values(), changed, native}
    return Draft(
        entity, tuple(fields), native, changed, units,
        unknown_units=tuple(dict.fromkeys(code for code in codes if code not in units)),
        left=tuple(path for path in raw if path not in used),
        open=tuple(name for name in model.model_fields if name not in paired and name not in needed),
    )  # fmt: skip


def _paired(model: type[Entity], raw: Mapping[str, tuple[str, ...]], needed: Iterable[str]) -> dict[str, str]:
    """Canonical field → raw path; the best fit first, a needed field before another, none used twice."""
    first = set(needed)
    fits = sorted(
        (-score, name not in first, place, path.count("."), path, name)
        for place, name in enumerate(model.model_fields)
        for path in raw
        if (score := _best(path, (name, *SYNONYMS.get(name, ())))) >= ALIKE and _holds(model, name, raw[path])
    )
    found: dict[str, str] = {}
    for *_, path, name in fits:
        if name not in found and path not in found.values():
            found[name] = path
    return found


def _best(path: str, names: Iterable[str]) -> float:
    """How alike a raw path and a name are: its last part, or all of it, against each name."""
    said = {_plain(path.rpartition(".")[2]), _plain(path)}
    return max(SequenceMatcher(None, one, _plain(name)).ratio() for one in said for name in names)


def _plain(name: str) -> str:
    """`PartNo`, `part_no` and `FPartNo.FNumber` as words: `part no`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.split(r"[\W_]+", spaced.lower())).strip()


def _holds(model: type[Entity], name: str, values: Iterable[str]) -> bool:
    """Whether the values seen can be what the field holds."""
    kind = field_types(model)[name]
    if kind in {Decimal, int}:
        return all(re.fullmatch(r"[+-]?[0-9]+([.][0-9]+)?", value) for value in values)
    if kind is bool:
        return all(value in {"true", "false", "0", "1"} for value in values)
    if kind in {date, datetime}:
        return all(re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) for value in values)
    return True


def _drafted(model: type[Entity], name: str, path: str, raw: Mapping[str, tuple[str, ...]]) -> Drafted:
    allowed, seen = allowed_codes(model, name), raw[path][:MOST_CODES]
    if field_types(model)[name] is bool:
        codes = {value: {"1": "true", "0": "false"}[value] for value in seen if value in {"0", "1"}}
        return Drafted(name, path, _kind(model, name), codes)
    if allowed is None or set(seen) <= set(allowed):
        return Drafted(name, path, _kind(model, name), {})
    lowered = {value: CODES.get(value.lower(), value.lower()) for value in seen}
    clear = {value: code for value, code in lowered.items() if code in allowed}
    return Drafted(name, path, _kind(model, name), clear, tuple(value for value in seen if value not in clear))


def _kind(model: type[Entity], name: str) -> str:
    """What a field holds, for the person who reads the draft."""
    allowed = allowed_codes(model, name)
    if name in unit_fields(model):
        return "unit"
    if allowed is not None:
        return " | ".join(allowed)
    names: Mapping[type, str] = {Decimal: "number", int: "whole number", bool: "true | false", date: "day"}
    return names.get(field_types(model)[name], "time" if field_types(model)[name] is datetime else "text")


def _unit(code: str) -> str | None:
    lowered = code.lower()
    return lowered if lowered in known_units() else UNITS.get(lowered)
