"""Deciding on golden records: adoption, origins, echoes, circles, a record's neighbourhood, explanation and dry run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.actors import Actor
from canonical.commands import State
from canonical.entities import ENTITIES, frame_schema, golden_schema
from canonical.plan import Plan
from pipeline.decide import Decided, Scope, decide
from pipeline.hub import Configuration, Hub, Run, load_configuration, open_hub
from pipeline.plan import judged_frames
from pipeline.record_changes import Neighbourhood
from pipeline.rehearsal import rehearse, rehearse_change
from pipeline.settings import Settings
from pipeline.why import change_of, find_event, why
from rules.echoes import LOOP_AFTER
from store import connections, crosswalk, events, notices, outbox
from store.connections import ConnectionState
from store.crosswalk import Binding
from store.events import ChangeEvent
from tests.unit.rules.books import rules_of

MORNING = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
BOOK = """\
authority: {work_order: {"*": [hub, mes]}}
rules:
  - name: hurry
    why: {en: e, zh: z}
    when: {entity: work_order, event: [created, changed, deleted], fields: [due, quantity, priority], origin: [mes]}
    unless: status == "cancelled"
    then:
      - {command: update_order_progress, to: crm, entity: work_order, key: "{our_reference}", with: {sales_order: sales_order, due: due, promised: due, note: code}, values: {stage: planned, percent: "10", priority: "1"}}
  - name: from-the-floor
    why: {en: e, zh: z}
    when: {entity: work_order, event: [changed], origin: [mes]}
    then:
      - {notify: floor, key: "{golden_id}", text: {en: "{golden_id} {due}", zh: "{golden_id}"}}
"""  # noqa: E501


@cache
def _configuration() -> Configuration:
    return load_configuration(Settings.from_environment({}))


@dataclass
class Desk:
    """The plant's configuration with two rules on work orders; frames are written as judging would."""

    hub: Hub
    moment: datetime = MORNING
    passes: int = 0
    actor: Actor = field(default_factory=lambda: Actor("run", "test"))

    def decided(self, *orders: dict[str, Any], keys: Neighbourhood | None = None) -> Decided:
        """One deciding over these work orders."""
        self.see(*orders)
        scope = None if keys is None else Scope(keys, judged_frames(self.hub))
        return decide(self.hub, self.run(), Plan(), scope=scope)

    def run(self) -> Run:
        self.passes += 1
        self.moment += timedelta(minutes=10)
        return Run(f"run-{self.passes}", date(2026, 11, 2), self.actor)

    def see(self, *orders: dict[str, Any]) -> None:
        frame = pl.DataFrame(list(orders), schema=golden_schema(ENTITIES["work_order"]))
        self.hub.frames.write("judged/work_order", frame, f"frames-{self.passes}")

    def events(self) -> list[ChangeEvent]:
        with self.hub.store.read() as tx:
            return events.listed(tx, entity="work_order")

    def commands(self) -> list[outbox.OutboxEntry]:
        with self.hub.store.read() as tx:
            return outbox.entries(tx)

    def sent(self) -> None:
        """Everything that waits has reached its target."""
        from sqlalchemy import update

        from store.tables import outbox as table

        with self.hub.store.begin() as tx:
            tx.execute(update(table).where(table.c.state == State.PENDING).values(state=State.APPLIED))


def work(key: str = "W1", **values: Any) -> dict[str, Any]:
    row = {
        "golden_id": key, "code": key, "item": "A", "quantity": Decimal(60), "good": Decimal(0), "scrapped": Decimal(0),
        "due": date(2026, 11, 9), "status": "released", "sales_order": "SO-1", "our_reference": f"M|{key}",
        "sources": ["crm", "mes"],
    }  # fmt: skip
    return {**dict.fromkeys(golden_schema(ENTITIES["work_order"])), **row, **values}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'hub.sqlite'}", None, tmp_path / "plant.yaml", None)
    hub = open_hub({}, settings=settings, configuration=replace(_configuration(), rules=rules_of(BOOK)))
    made = Desk(hub)
    hub.now = lambda: made.moment
    yield made
    hub.close()


def test_what_stands_at_the_first_look__is_where_rules_begin(desk: Desk) -> None:
    done = desk.decided(work(), work("W2"))
    assert (done.adopted, dict(done.changes), desk.commands(), desk.events()) == (2, {}, [], [])
    assert dict(desk.decided(work(), work("W2")).changes) == {}


def test_change__is_an_event_with_old_new_origin_and_acts_once(desk: Desk) -> None:
    desk.decided(work())
    later = work(due=date(2026, 11, 12))
    desk.decided(later)
    (event,) = desk.events()
    assert (event.kind, event.fields, event.origin, event.hops) == ("changed", ["due"], "crm+mes", 0)
    assert ((event.old or {})["due"], (event.new or {})["due"]) == ("2026-11-09", "2026-11-12")
    (entry,) = desk.commands()
    assert (entry.command.cause, entry.command.body["due"]) == (event.id, "2026-11-12")
    desk.decided(later)
    assert len(desk.events()) == len(desk.commands()) == 1
    with desk.hub.store.read() as tx:
        assert [notice.key for notice in notices.listed(tx)] == ["W1"]


def test_record_that_waits_in_quarantine__is_not_deleted(desk: Desk) -> None:
    from store import quarantine

    desk.decided(work(), work("W2"))
    with desk.hub.store.begin() as tx:
        quarantine.replace(tx, "judge", "golden", "work_order", [quarantine.Rejection("W2", "r", "m")], now=MORNING)
    assert dict(desk.decided(work()).changes) == {}
    with desk.hub.store.begin() as tx:
        quarantine.replace(tx, "judge", "golden", "work_order", [], now=MORNING)
    assert dict(desk.decided(work()).changes) == {"work_order deleted": 1}


def test_echo__is_known_by_its_revision_and_sets_nothing_off(desk: Desk) -> None:
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    desk.sent()
    done = desk.decided(work(due=date(2026, 11, 12), priority=1))
    assert (done.echoes, dict(done.commands), done.notices) == (1, {}, 0)
    event = desk.events()[-1]
    assert (event.fields, event.revision, event.cause, event.hops) == ([], 1, desk.commands()[0].command.id, 0)


def test_what_changed_beside_an_echo__acts(desk: Desk) -> None:
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    desk.sent()
    done = desk.decided(work(due=date(2026, 11, 12), priority=1, quantity=Decimal(70)))
    assert (done.echoes, done.notices, desk.events()[-1].fields) == (0, 1, ["quantity"])


def test_what_was_never_sent__is_no_echo(desk: Desk) -> None:
    desk.decided(work())
    with desk.hub.store.begin() as tx:
        connections.set_state(tx, "crm", ConnectionState.SHADOW, "test", MORNING)
    desk.decided(work(due=date(2026, 11, 12)))
    assert desk.decided(work(due=date(2026, 11, 12), priority=1)).echoes == 0


def test_same_value_from_another_system__is_no_echo(desk: Desk) -> None:
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    desk.sent()
    done = desk.decided(work(due=date(2026, 11, 12), priority=1, sources=["mes"]))
    assert (done.echoes, done.notices) == (0, 1)


def test_what_was_not_sent_yet__is_no_echo(desk: Desk) -> None:
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    assert desk.decided(work(due=date(2026, 11, 12), priority=1)).echoes == 0


def test_change_back_to_what_we_wrote__is_no_echo(desk: Desk) -> None:
    """What we wrote was seen; then somebody changed it, and somebody changed it back."""
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    desk.sent()
    written, changed = (work(due=date(2026, 11, 12), priority=number) for number in (1, 2))
    assert desk.decided(written).echoes == 1
    assert [(done.echoes, done.notices) for done in (desk.decided(changed), desk.decided(written))] == [(0, 1)] * 2
    assert desk.events()[-1].fields == ["priority"]


def test_change_back_to_what_stood_when_we_wrote_it__is_no_echo(desk: Desk) -> None:
    """There was nothing to be seen of it: it stood so already."""
    desk.decided(work(priority=1))
    desk.decided(work(due=date(2026, 11, 12), priority=1))
    desk.sent()
    written, changed = (work(due=date(2026, 11, 12), priority=number) for number in (1, 2))
    assert [(done.echoes, done.notices) for done in (desk.decided(changed), desk.decided(written))] == [(0, 1)] * 2


def test_created_with_our_reference__is_our_own(desk: Desk) -> None:
    desk.decided(work("W0"))
    desk.decided(work("W0", due=date(2026, 11, 12), our_reference="M|W1"))
    desk.sent()
    done = desk.decided(work("W0", due=date(2026, 11, 12), our_reference="M|W1"), work("W1"))
    assert (done.echoes, dict(done.commands)) == (1, {})
    assert [event.revision for event in desk.events() if event.kind == "created"] == [1]


def test_circle__waits_for_a_person_who_is_told(desk: Desk) -> None:
    """The target moves every date we write by a day: each change follows from our last command."""
    desk.decided(work())
    day = date(2026, 11, 12)
    held: list[int] = []
    for number in range(LOOP_AFTER + 1):
        held.append(desk.decided(work(due=day + timedelta(days=number))).held)
        desk.sent()
    assert [event.hops for event in desk.events()] == list(range(LOOP_AFTER + 1))
    assert held == [0] * LOOP_AFTER + [1]
    with desk.hub.store.read() as tx:
        assert [notice.key for notice in notices.listed(tx, "operator")] == ["circle|work_order|W1"]


def test_record_that_comes_and_goes__is_a_circle_too(desk: Desk) -> None:
    desk.decided(work("W0", our_reference=None))
    held = []
    for _ in range(LOOP_AFTER + 1):
        held.append(desk.decided(work("W0", our_reference=None), work(our_reference=None)).held)
        desk.decided(work("W0", our_reference=None))
    assert [event.hops for event in desk.events() if event.kind == "created"] == list(range(LOOP_AFTER + 1))
    assert held == [0] * (LOOP_AFTER + 1)  # the document stands as first decided: nothing is written


def test_scope__looks_at_one_neighbourhood_and_leaves_the_rest(desk: Desk) -> None:
    desk.decided(work(), work("W2"))
    moved = work(due=date(2026, 11, 12)), work("W2", due=date(2026, 11, 12))
    assert dict(desk.decided(*moved, keys={"work_order": {"W2"}}).changes) == {"work_order changed": 1}
    assert [event.key for event in desk.events()] == ["W2"]
    assert dict(desk.decided(*moved, keys={}).changes) == {}
    assert dict(desk.decided(*moved).changes) == {"work_order changed": 1}


def test_origin__is_the_system_whose_record_says_what_is_new(desk: Desk) -> None:
    with desk.hub.store.begin() as tx:
        bound = [Binding(system, "work_order", "W1", "W1", None) for system in ("erp", "mes")]
        crosswalk.bind(tx, bound, MORNING)
    for system, due in (("erp", date(2026, 11, 12)), ("mes", date(2026, 11, 9))):
        row = dict.fromkeys(frame_schema(ENTITIES["work_order"])) | {"system": system, "source_key": "W1", "due": due}
        frame = pl.DataFrame([row], schema=frame_schema(ENTITIES["work_order"]))
        desk.hub.frames.write(f"canonical/work_order/{system}", frame, "pull")
    desk.decided(work(sources=["erp", "mes"]))
    desk.decided(work(due=date(2026, 11, 12), sources=["erp", "mes"]))
    assert [event.origin for event in desk.events()] == ["erp"]


def test_origin__is_the_system_that_posted_the_event(desk: Desk) -> None:
    desk.decided(work())
    desk.actor = Actor("system", "wms")
    desk.decided(work(due=date(2026, 11, 12)))
    assert [event.origin for event in desk.events()] == ["wms"]


def test_explanation__says_which_rules_fired_and_follows_the_causes(desk: Desk) -> None:
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    desk.sent()
    desk.decided(work(due=date(2026, 11, 13), status="cancelled"))
    with desk.hub.store.read() as tx:
        last = find_event(tx, "work_order/W1")
        assert last is not None
        found = why(desk.hub, tx, last)
        first = desk.events()[0]
        assert find_event(tx, first.id) == first
        led = why(desk.hub, tx, first).commands
    assert {one.rule.name: one.reason for one in found.verdicts} == {"hurry": "unless", "from-the-floor": "fired"}
    assert [event.id for event in found.chain] == [first.id]
    assert [(one.kind, one.system, one.state) for one in led] == [("update_order_progress", "crm", "applied")]


def test_dry_run__shows_payloads_and_keeps_nothing(desk: Desk) -> None:
    with desk.hub.store.begin() as tx:
        crosswalk.bind(tx, [Binding("crm", "sales_order", "SO-1", "SO-1", "801")], MORNING)
    desk.decided(work())
    desk.decided(work(due=date(2026, 11, 12)))
    desk.sent()
    desk.see(work(due=date(2026, 11, 13)))
    found = rehearse(desk.hub, desk.run(), Plan())
    (command,) = found.commands
    assert (command.command.revision, command.held, command.hindered) == (2, None, None)
    assert command.differences() == [("Promised_Date__c", "2026-11-12", "2026-11-13")]
    assert len(found.notices) == 1
    assert len(desk.commands()) == 1
    assert dict(desk.decided(work(due=date(2026, 11, 13))).changes) == {"work_order changed": 1}
    again = rehearse_change(desk.hub, desk.run(), replace(change_of(desk.events()[-1]), kind="created", old=None))
    assert again.commands == ()  # as decided before: nothing to write
