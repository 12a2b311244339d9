"""What a match run compares, and how: one policy per pair of tables, written by hand or made from the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from canonical.errors import ConfigurationError
from canonical.strict_yaml import load
from mdm.standardise.partners import parse_partner
from mdm.standardise.text import is_chinese, normalise, words

Kind = Literal["name", "company", "person", "people", "text", "category", "number", "date", "code", "address", "ignore"]
Matcher = Literal["items", "partners"]
Record = Mapping[str, str]

_SAMPLE = 2000
ENOUGH = 200
"""Fewer records than this cannot teach Splink its weights."""


class Column(BaseModel):
    """One compared attribute: its column on either side and what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: str
    right: str
    kind: Kind


class MatchPolicy(BaseModel):
    """How two tables are matched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matcher: Matcher = "items"
    columns: tuple[Column, ...]
    one_to_one: tuple[Literal["left", "right"], ...] = ()
    """Sides declared free of duplicates: a record of the other side is bound to at most one of theirs."""
    candidates: int = Field(default=10, ge=1, le=100)
    """Nearest records kept per record and index when blocking."""
    auto_precision: float = Field(default=0.998, gt=0.5, lt=1)
    """Expected precision that a merge without a steward needs."""
    review: float = Field(default=0.1, gt=0, lt=1)
    """Posterior from which a pair is worth a steward's time."""
    cluster_cap: int = Field(default=20, ge=2)
    seed: int = 7

    def of_kind(self, *kinds: str) -> tuple[Column, ...]:
        """Columns that hold one of the kinds."""
        return tuple(column for column in self.columns if column.kind in kinds)


def load_match_policy(path: Path) -> MatchPolicy:
    """Read a policy; raises `ConfigurationError` with every fault placed."""
    return load(path, MatchPolicy)


def profile(left: Sequence[Record], right: Sequence[Record], keys: tuple[str, str]) -> MatchPolicy:
    """Make a policy from what the columns hold; columns are paired by name, else by place.

    Raises `ConfigurationError` when the two tables share nothing that could be compared.
    """
    pairs = (
        _paired([c for c in left[0] if c != keys[0]], [c for c in right[0] if c != keys[1]]) if left and right else []
    )
    columns = tuple(
        Column(left=ours, right=theirs, kind=_kind(ours, [*_values(left, ours), *_values(right, theirs)]))
        for ours, theirs in pairs
    )
    columns = tuple(column for column in columns if column.kind != "ignore")
    if not columns:
        raise ConfigurationError("the two tables have no column in common that could be compared")
    structured = sum(column.kind in {"person", "address", "date", "code", "category", "company"} for column in columns)
    personal = any(column.kind in {"person", "company"} for column in columns)
    matcher: Matcher = "partners" if personal and structured >= 4 and min(len(left), len(right)) >= ENOUGH else "items"  # noqa: PLR2004
    return MatchPolicy(matcher=matcher, columns=columns)


def _paired(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, str]]:
    """By name; what is left over (`title` here, `name` there) by place."""
    by_name = {name.casefold().strip(): name for name in right}
    same = {name: by_name[name.casefold().strip()] for name in left if name.casefold().strip() in by_name}
    loose = [name for name in left if name not in same], [name for name in right if name not in same.values()]
    both = same | dict(zip(*loose, strict=False))
    return [(name, both[name]) for name in left if name in both]


def _values(records: Sequence[Record], column: str) -> list[str]:
    step = max(1, len(records) // _SAMPLE)
    return [value for record in records[::step] if (value := (record[column] or "").strip())]


_NAMES: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("date", ("date", "birth", "dob", "日期", "生日")),
    ("address", ("address", "street", "suburb", "addr", "地址", "住址")),
    ("code", ("postcode", "zip", "phone", "tel", "fax", "soc_sec", "ssn", "tax", "email", "mail", "isbn", "ean",
              "gtin", "upc",
              "电话", "手机", "税号", "邮编", "信用代码")),
    ("person", ("given_name", "surname", "first_name", "last_name", "forename", "family_name", "given", "contact",
                "姓名", "联系人")),
    ("company", ("company", "supplier", "customer", "vendor", "partner", "公司", "供应商", "客户", "企业", "单位名称")),
    ("people", ("authors", "author", "artist", "artists", "作者")),
)  # fmt: skip


def _kind(name: str, values: Sequence[str]) -> Kind:
    """The column's name says it, else its values."""
    if not values:
        return "ignore"
    said = name.casefold().strip()
    for kind, hints in _NAMES:
        if any(hint in said for hint in hints):
            return kind
    normal = [normalise(value) for value in values]
    distinct = len(set(normal)) / len(normal)
    if sum(_numeric(value) for value in normal) > 0.9 * len(normal):
        long_codes = median(len(value) for value in normal) >= 6 and all("." not in value for value in normal[:50])  # noqa: PLR2004
        return "code" if long_codes and distinct > 0.5 else "number"  # noqa: PLR2004
    if _companies(normal) > 0.5:  # noqa: PLR2004
        return "company"
    return _worded(normal, distinct)


def _companies(values: Sequence[str]) -> float:
    return sum(bool(parse_partner(value).legal) for value in values[:500]) / len(values[:500])


def _worded(values: Sequence[str], distinct: float) -> Kind:
    length = median(len(words(value)) for value in values)
    if distinct < 0.1 and length <= 6:  # noqa: PLR2004
        return "category"
    if (
        length == 1
        and not any(is_chinese(value) for value in values[:50])
        and sum(_coded(v) for v in values) > 0.6 * len(values)
    ):
        return "code"
    return "name" if length <= 14 else "text"  # noqa: PLR2004


def _coded(value: str) -> bool:
    return any(c.isdigit() for c in value)


def _numeric(value: str) -> bool:
    return bool(amount(value) is not None and len([c for c in value if c.isalpha()]) <= 3)  # noqa: PLR2004


def amount(value: str) -> float | None:
    """The number a price or quantity states; None without one."""
    cleaned = "".join(c for c in value if c.isdigit() or c in ".-")
    try:
        return float(cleaned)
    except ValueError:
        return None
