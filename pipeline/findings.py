"""The verdicts on an entity's golden records, kept beside what they were drawn from: so that they need not be again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from canonical.strict_json import dumps, loads
from pipeline.basis import digest_of
from pipeline.hub import Hub, Run
from quality.spec import Rule, Rulebook
from quality.verdict import Verdict as Finding

FINDING: dict[str, pl.DataType] = {
    "rule": pl.String(),
    "passed": pl.Boolean(),
    "failing": pl.List(pl.String()),
    "observed": pl.String(),
    "error": pl.String(),
}
_SUITE = " suite"
"""Behind the basis of verdicts that Great Expectations drew."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What verdicts depend on: the records' version, the rules, and the versions of the records they may refer to."""

    golden: str | None
    rules: str
    related: Mapping[str, str | None]
    """Name of a frame → its version."""

    @classmethod
    def of(cls, hub: Hub, rulebook: Rulebook) -> Self:
        """As it is now."""
        others = {at: hub.frames.version(at) for at in sorted(related_to(hub, rulebook).values())}
        return cls(
            hub.frames.version(f"golden/{rulebook.entity}"),
            digest_of(hub.kept, f"rulebook/{rulebook.entity}", rulebook),
            others,
        )

    def text(self) -> str:
        """To be kept beside frames."""
        return dumps({"golden": self.golden, "rules": self.rules, "related": dict(self.related)})


@dataclass(frozen=True, slots=True)
class Found:
    """The verdicts drawn last; `drawn` is the text of what they were drawn from."""

    verdicts: tuple[Finding, ...]
    drawn: str
    by_suite: bool

    @property
    def basis(self) -> Basis:
        """What they were drawn from."""
        return Basis(**loads(self.drawn))


def related_to(hub: Hub, rulebook: Rulebook) -> dict[str, str]:
    """Entity → where the records stand that references may name: those that passed, of what is judged before us.

    So doubt about a record holds what refers to it.
    """
    order, entity = hub.configuration.entities, rulebook.entity
    before = frozenset(order[: order.index(entity)]) if entity in order else frozenset()
    return {name: f"{'judged' if name in before else 'golden'}/{name}" for name in rulebook.needs()}


def found_last(hub: Hub, rulebook: Rulebook) -> Found | None:
    """The verdicts that belong to the rows that passed; None where there are none."""
    name = f"findings/{rulebook.entity}"
    last, made_of = hub.frames.read(name), hub.frames.made_of(name)
    if last is None or last.columns != list(FINDING) or last.height != len(rulebook.rules):
        return None
    drawn = made_of.removesuffix(_SUITE)
    if hub.frames.made_of(f"judged/{rulebook.entity}") != drawn or not drawn.startswith("{"):
        return None
    rows = last.rows(named=True)
    if [row["rule"] for row in rows] != [rule.name for rule in rulebook.rules]:
        return None
    found = (_remembered(rulebook.entity, rule, row) for rule, row in zip(rulebook.rules, rows, strict=True))
    return Found(tuple(found), drawn, made_of != drawn)


def keep_findings(hub: Hub, entity: str, run: Run, found: Sequence[Finding], basis: str, *, suite: bool) -> None:
    """The verdicts beside what they were drawn from; where they are the same, the version that stands goes on."""
    name, drawn = f"findings/{entity}", f"{basis}{_SUITE}" if suite else basis
    rows = [(one.rule, one.passed, list(one.failing), one.observed, one.error) for one in found]
    last = hub.frames.read(name)
    if last is not None and last.columns == list(FINDING) and last.rows() == rows:
        hub.frames.renew(name, drawn)
    else:
        hub.frames.write(name, pl.DataFrame(rows, schema=FINDING, orient="row"), run.run_id, drawn)


def _remembered(entity: str, rule: Rule, row: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=rule.name,
        entity=entity,
        severity=rule.severity,
        scope=rule.scope,
        blocking=rule.blocking,
        passed=row["passed"],
        failing=tuple(row["failing"]),
        observed=row["observed"],
        error=row["error"],
    )
