"""What items are made of and how, for the planner: BOM versions by date, substitutes, by-products, operations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from canonical.plan import INT64_MAX, PlanBomLine, PlanByProduct, PlanOperation, PlanProblem, PlanSubstitute
from canonical.plan_lines import BomLines, lines_of
from pipeline.cuts import Cut
from pipeline.golden_rows import Frames, Row, begins, ends, in_force, ppm, rows

LINE = (
    "bom", "parent", "component", "quantity", "per", "scrap_rate", "operation", "kind", "valid_from", "valid_to",
)  # fmt: skip
"""What the planner reads of a component's line."""
COMPONENT = (None, "", "component")
COLUMNS_FROM = 10_000
"""Lines from which columns are worth their start."""
_HEAD = pl.Schema({"bom": pl.String(), "item": pl.String(), "first": pl.Date(), "until": pl.Date()})
_RATIO = pl.Schema({"numerator": pl.Int64(), "denominator": pl.Int64(), "scrap_ppm": pl.Int64()})


@dataclass(frozen=True, slots=True)
class Version:
    """One BOM of an item and the days on which orders that start follow it (None: no bound)."""

    bom: str
    item: str
    first: date | None
    until: date | None
    scrap_ppm: int = 0


def bom_versions(frames: Frames, as_of: date) -> dict[str, list[Version]]:
    """Item → the BOM in force, then those that hold from some later day on; one may come back when another ends.

    On every day the one that began last holds; of several that began together, the first by code.
    """
    heads: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows(frames, "bom"), key=lambda row: str(row["code"])):
        until = ends(row)
        if row["in_force"] is not False and (until is None or until > as_of):
            heads[row["item"]].append(row)
    return {item: list(_versions(found, as_of)) for item, found in heads.items()}


def _versions(heads: list[Row], as_of: date) -> Iterator[Version]:
    turns = {day for row in heads for day in (begins(row), ends(row)) if day is not None and day > as_of}
    firsts = [as_of, *sorted(turns)]
    holding = [max((row for row in heads if in_force(row, day)), key=_begun, default=None) for day in firsts]
    for row, found in groupby(zip(holding, firsts, (*firsts[1:], None), strict=True), key=itemgetter(0)):
        if row is not None:
            span = list(found)
            yield Version(row["golden_id"], row["item"], _ahead(span[0][1], as_of), span[-1][2], _lost(row))


def _begun(row: Row) -> date:
    return begins(row) or date.min


def _lost(head: Row) -> int:
    good = head["yield_rate"]
    return 0 if good is None else ppm(Decimal(1) - good)


def _ahead(day: date | None, as_of: date) -> date | None:
    """No order starts before the planning day, so what held by then holds from the beginning."""
    return None if day is None or day <= as_of else day


@dataclass(frozen=True, slots=True)
class Structure:
    """What the planner is told of BOMs."""

    lines: Sequence[PlanBomLine]
    substitutes: tuple[PlanSubstitute, ...]
    by_products: tuple[PlanByProduct, ...]
    problems: tuple[PlanProblem, ...]


def structure(frames: Frames, versions: Mapping[str, list[Version]], as_of: date) -> Structure:
    """The lines of every version that counts, each within its own dates and those of its version."""
    chosen = by_bom(one for found in versions.values() for one in found)
    lines = _lines(frames, chosen, as_of)
    known = [(row, one) for row in _rows_beside(frames) for one in chosen.get(row["bom"], ())]
    known = [(row, one) for row, one in known if row["parent"] == one.item and not _over(row, as_of)]
    problems: list[PlanProblem] = []
    substitutes = tuple(_substitutes(frames, known, lines, as_of, problems))
    made = (row for row, one in known if _kind(row) == "by_product" and one.first is None and in_force(row, as_of))
    return Structure(lines, substitutes, tuple(map(_by_product, made)), tuple(problems))


Chosen = Mapping[str, Sequence[Version]]
"""BOM → the stretches of days on which it holds."""


def by_bom(versions: Iterable[Version]) -> Chosen:
    """Versions by the BOM they are of."""
    found: defaultdict[str, list[Version]] = defaultdict(list)
    for one in versions:
        found[one.bom].append(one)
    return dict(found)


def _lines(frames: Frames, chosen: Chosen, as_of: date) -> Sequence[PlanBomLine]:
    """The components of the versions that count, many of them in columns."""
    if isinstance(frames, Cut):
        return tuple(line_by_line(map(itemgetter(*LINE), frames.rows("bom_line")), chosen, as_of))
    frame = frames.get("bom_line")
    if frame is None:
        return ()
    found = in_columns(frame.select(LINE), chosen, as_of) if frame.height >= COLUMNS_FROM else None
    return tuple(line_by_line(frame.select(LINE).iter_rows(), chosen, as_of)) if found is None else found


def in_columns(frame: pl.DataFrame, chosen: Chosen, as_of: date) -> BomLines | None:
    """Twin of `line_by_line` for a million lines; None where a quantity is beyond 64 bits."""
    first, until = pl.col("valid_from"), pl.col("valid_to")
    ends = pl.when(until.dt.year() < date.max.year).then(until)
    heads = [(one.bom, one.item, one.first, one.until) for found in chosen.values() for one in found]
    versions = pl.DataFrame(heads, schema=_HEAD, orient="row")
    rows = frame.join(versions, on="bom", maintain_order="left_right").filter(
        pl.col("parent") == pl.col("item"), pl.col("kind").fill_null("").is_in(["", "component"]),
        (ends > as_of).fill_null(value=True),
    )  # fmt: skip
    shares = rows.select("quantity", "per", "scrap_rate").unique(maintain_order=True)
    ratios = [(*_share(quantity, per).as_integer_ratio(), ppm(lost)) for quantity, per, lost in shares.iter_rows()]
    if any(max(abs(top), bottom) > INT64_MAX for top, bottom, _ in ratios):
        return None
    known = pl.concat([shares, pl.DataFrame(ratios, schema=_RATIO, orient="row")], how="horizontal")
    window = {
        "effective_from": pl.max_horizontal(pl.when(first > as_of).then(first), "first"),
        "effective_until": pl.min_horizontal(ends, "until"),
    }
    shared = rows.join(known, on=shares.columns, how="left", nulls_equal=True, maintain_order="left")
    dated = shared.with_columns(**window)
    some = pl.col("effective_from") < pl.col("effective_until")
    return BomLines(dated.filter(some.fill_null(value=True) | (first >= ends).fill_null(value=False)))


def line_by_line(lines: Iterable[tuple[Any, ...]], chosen: Chosen, as_of: date) -> Iterator[PlanBomLine]:
    """No row becomes a mapping: of some thousand lines this is faster than columns are."""
    for bom, parent, component, quantity, per, lost, operation, kind, first, until in lines:
        versions = chosen.get(bom)
        if versions is None or parent != versions[0].item or kind not in COMPONENT:
            continue
        dates = {"valid_from": first, "valid_to": until}
        if until is not None and _over(dates, as_of):
            continue
        ratio = _share(quantity, per)
        scrap = ppm(lost) if lost else 0
        for one in versions:
            window = (one.first, one.until) if first is until is None else _window(dates, one, as_of)
            if not _nowhere(window, dates):
                yield PlanBomLine(parent, component, ratio.numerator, ratio.denominator, scrap, *window, operation)


def _nowhere(window: tuple[date | None, date | None], row: Row) -> bool:
    """Whether a line with sound dates of its own never holds while its version does."""
    (first, until), (begun, ended) = window, (begins(row), ends(row))
    sound = begun is None or ended is None or begun < ended
    return first is not None and until is not None and first >= until and sound


def _rows_beside(frames: Frames) -> Iterator[Row]:
    """Lines that are more than components: substitutes and what they stand for, by-products."""
    if isinstance(frames, Cut):
        return (row for row in frames.rows("bom_line") if row["group"] is not None or row["kind"] not in COMPONENT)
    frame = frames.get("bom_line")
    if frame is None:
        return iter(())
    more = ~pl.col("kind").is_in(["", "component"])
    return frame.filter(pl.col("group").is_not_null() | more).iter_rows(named=True)


def _kind(row: Row) -> str:
    return row["kind"] or "component"


def _over(row: Row, as_of: date) -> bool:
    until = ends(row)
    return until is not None and until <= as_of


def _ratio(row: Row) -> Fraction:
    return _share(row["quantity"], row["per"])


@lru_cache(maxsize=4096)
def _share(quantity: Decimal | None, per: Decimal | None) -> Fraction:
    """A million lines have few quantities between them."""
    return Fraction(quantity or 0) / Fraction(per or 1)


def _window(row: Row, version: Version, as_of: date) -> tuple[date | None, date | None]:
    """The days on which both the line and its version hold."""
    firsts = [day for day in (_ahead(begins(row), as_of), version.first) if day is not None]
    untils = [day for day in (ends(row), version.until) if day is not None]
    return max(firsts, default=None), min(untils, default=None)


def _by_product(row: Row) -> PlanByProduct:
    ratio = _ratio(row)
    return PlanByProduct(row["parent"], row["component"], ratio.numerator, ratio.denominator)


def _substitutes(
    frames: Frames,
    known: Iterable[tuple[Row, Version]],
    lines: Sequence[PlanBomLine],
    as_of: date,
    problems: list[PlanProblem],
) -> Iterator[PlanSubstitute]:
    """Substitute lines, each for the component of its group; those of phantoms hold for whatever draws through them."""
    known = list(known)
    if all(_kind(row) != "substitute" for row, _ in known):
        return
    replaced: dict[tuple[str, str], Row] = {}
    for row, _ in sorted(known, key=lambda pair: str(pair[0]["line"])):
        if _kind(row) == "component" and row["group"]:
            replaced.setdefault((row["bom"], row["group"]), row)
    above = _Drawing(frames, lines)
    for row, version in known:
        if _kind(row) != "substitute":
            continue
        of = replaced.get((row["bom"], row["group"] or ""))
        if of is None or not _ratio(of):
            detail = f"no component of group {row['group']!r} in BOM {row['bom']}; left out"
            problems.append(PlanProblem("bad_substitute", row["component"], row["golden_id"], detail))
            continue
        found = _substitute(row, of, version, as_of)
        yield from (replace(found, parent=parent) for parent in sorted(above(row["parent"])))


def _substitute(row: Row, of: Row, version: Version, as_of: date) -> PlanSubstitute:
    ratio = _ratio(row) / _ratio(of)
    first, until = _window(row, version, as_of)
    return PlanSubstitute(
        of["component"], row["component"], ratio.numerator, ratio.denominator,
        priority=row["priority"] or 0, before_own=bool(row["use_first"]), product=row["product"],
        customer=row["customer"], effective_from=first, effective_until=until,
    )  # fmt: skip


class _Drawing:
    """Whose orders draw what stands under a parent: the parent's own, or through a phantom those above it."""

    def __init__(self, frames: Frames, lines: Sequence[PlanBomLine]) -> None:
        self._phantoms = {row["golden_id"] for row in rows(frames, "item") if row["sourcing"] == "phantom"}
        self._users: defaultdict[str, set[str]] = defaultdict(set)
        for line in lines_of(lines, "component", self._phantoms):
            self._users[line.component].add(line.parent)

    def __call__(self, parent: str) -> set[str]:
        found, waiting, seen = set(), [parent], {parent}
        while waiting:
            at = waiting.pop()
            if at not in self._phantoms:
                found.add(at)
                continue
            waiting += self._users[at] - seen
            seen |= self._users[at]
        return found


def routings(frames: Frames) -> dict[str, list[Row]]:
    """Item → its operations in order, of one routing: the first by code where several stand."""
    chosen: dict[str, str] = {}
    for row in sorted(rows(frames, "routing"), key=lambda row: str(row["code"])):
        chosen.setdefault(row["item"], row["golden_id"])
    steps: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows(frames, "operation"):
        if chosen.get(row["item"]) == row["routing"]:
            steps[row["item"]].append(row)
    return {item: sorted(found, key=lambda row: int(row["sequence"])) for item, found in steps.items()}


def operations(routes: Mapping[str, list[Row]]) -> Iterator[PlanOperation]:
    """The steps of every routing."""
    for item, steps in routes.items():
        for step in steps:
            setup, run = (Fraction(step[name] or 0) for name in ("setup_minutes", "run_minutes"))
            lost = ppm(step["scrap_rate"])
            yield PlanOperation(item, int(step["sequence"]), step["work_centre"], setup, run, lost)
