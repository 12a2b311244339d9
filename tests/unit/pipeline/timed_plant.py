"""A hub with one rule that has a timer, and a desk that opens and settles what the rule waits for.

Also a program: `python timed_plant.py FOLDER MOMENT [die]` fires what is due there, and with `die` is killed
after everything is written and before it is committed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

import pipeline.timers
from canonical.actors import Actor
from canonical.facts import FACTS
from canonical.strict_json import dumps
from pipeline.calendars import rule_calendars
from pipeline.enact import enact
from pipeline.hub import Configuration, Hub
from pipeline.settings import Deployment, Settings
from rules.decide import decide
from rules.diff import Change
from rules.loading import load_rulebooks
from rules.ruleset import RuleSet
from store import events, notices, timers
from store.events import ChangeEvent
from store.frames import FrameStore
from store.landing import RawFiles
from store.unit_of_work import Store

RULEBOOK = """\
rules:
  - name: answer-in-time
    why: {en: A customer waits., zh: 客户在等。}
    when: {fact: order_progress, event: [created, changed]}
    unless: stage != "received"
    within: {hours: 24, calendar: office}
    escalate:
      - {notify: sales_manager, key: "{sales_order}", text: {en: "{sales_order} waits", zh: "{sales_order} 等待"}}
      - {task: answer, owner: sales, key: "{sales_order}", title: {en: Go, zh: 办}, due: {days: 1, calendar: office}}
"""


@dataclass
class Desk:
    """One hub under a clock the test moves."""

    folder: Path
    moment: datetime
    as_of: date | None = None
    url: str | None = None
    passes: int = 0
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "timed.yaml").write_text(RULEBOOK, encoding="utf-8")
        rules = RuleSet(load_rulebooks(("timed",), self.folder))
        deployment = Deployment.model_validate(
            {"name": "plant", "systems": {}, "rulebooks": ("timed",), "sales_order_system": "crm"}
        )
        url = self.url or f"sqlite:///{self.folder / 'hub.sqlite'}"
        settings = Settings(self.folder, url, None, self.folder / "plant.yaml", self.as_of)
        configuration = Configuration(deployment, {}, {}, {}, {}, rules, rule_calendars(deployment, rules))
        raw, frames = RawFiles(self.folder / "raw"), FrameStore(self.folder / "frames")
        self.hub = Hub(settings, configuration, Store.open(url), raw, frames, {}, now=lambda: self.moment)

    def changed(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Orders and their stages went from `before` to `after`: decided as the decide stage does."""
        self.passes += 1
        changes = list(_changes(before, after))
        with self.hub.store.begin() as tx:
            decisions = decide(changes, self.hub.configuration.rules)
            enact(self.hub, tx, decisions, lambda change: f"{self.passes}|{change.key}")
            events.append(tx, [self._event(change) for change in changes])
            rows = [(change.key, dumps(dict(change.new)), "") for change in changes if change.new]
            frame = pl.DataFrame(rows, schema=events.FACT_SCHEMA, orient="row")
            events.mark_decided(tx, "order_progress", frame, [change.key for change in changes if not change.new])

    def _event(self, change: Change) -> ChangeEvent:
        return ChangeEvent(
            f"{self.passes}|{change.key}", change.entity, change.key, change.kind, change.old, change.new,
            change.fields, "test", self.moment, str(self.passes),
        )  # fmt: skip

    def fire(self) -> pipeline.timers.Fired:
        """Fire what is due."""
        return pipeline.timers.fire_due(self.hub, self.hub.new_run(Actor("run", "test")))

    def told(self) -> list[str]:
        """The orders somebody was told of, in turn."""
        with self.hub.store.read() as tx:
            return [notice.key for notice in reversed(notices.listed(tx, limit=None))]

    def counts(self) -> dict[str, int]:
        """State → timers."""
        with self.hub.store.read() as tx:
            return timers.counts(tx)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[Change]:
    for key in sorted(before.keys() | after.keys()):
        old, new = (_row(key, stages.get(key)) for stages in (before, after))
        if old != new:
            kind: Any = "created" if old is None else "deleted" if new is None else "changed"
            yield Change("order_progress", key, kind, old, new, ("stage",))


def _row(key: str, stage: str | None) -> dict[str, Any] | None:
    if stage is None:
        return None
    return FACTS["order_progress"].model_validate({"sales_order": key, "stage": stage, "percent": 0}).model_dump()


def _dying(carry_out: Callable[..., Any]) -> Callable[..., Any]:
    def die(*given: Any) -> Any:
        carry_out(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    if "die" in sys.argv:
        pipeline.timers.enact = _dying(enact)
    desk = Desk(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]).astimezone(UTC))
    sys.stdout.write(f"{desk.fire().timers}\n")
