"""What rules want, enacted: the brakes, and withdrawing what stands in a system, by command or by a person's task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canonical.commands import Command
from canonical.errors import ConfigurationError
from connectors.registry import load_system
from mappings.loading import SystemMappings
from pipeline.enact import enact
from pipeline.hub import Configuration, Hub
from pipeline.outbound import Lookups, build_payload
from pipeline.settings import Deployment, Settings
from rules.decide import CommandDraft
from rules.diff import Change
from rules.ruleset import RuleSet
from store import deliveries, documents, outbox, revisions, tasks
from store.documents import Document
from store.frames import FrameStore
from store.landing import RawFiles
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
KEY = "T|A@south|SO-1|1|1"
GONE = CommandDraft(
    "stop-bringing", Change("planned_order", KEY, "deleted", {"reference": KEY}, None, ()), "request_transfer", "wms",
    "transfer_order", KEY, {}, cancelled=True, after=(), sales_orders=(),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A hub's memory: the transfer was decided, and stands in the warehouse system."""
    opened = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    with opened.begin() as tx:
        revisions.next_revision(tx, "wms", "request_transfer", KEY, {"body": {}, "cancelled": False})
        documents.record(tx, [Document("wms", "transfer_order", KEY, "17", "TR17", 1, {}, "created", NOW)])
    return opened


def hub(
    store: Store, folder: Path, roles: Mapping[str, str], state: str = "live", limits: Mapping[str, Any] | None = None
) -> Hub:
    """Systems by the roles they play; none has a mapping for transfers."""
    connected = {system: {"role": role, "state": state} for system, role in roles.items()}
    deployment = Deployment.model_validate(
        {
            "name": "plant", "systems": connected, "rulebooks": (), "sales_order_system": next(iter(roles), "crm"),
            "limits": limits or {},
        }
    )  # fmt: skip
    systems = {name: load_system(name) for name in roles}
    unmapped = {name: SystemMappings((), {}, {}) for name in roles}
    configuration = Configuration(deployment, systems, unmapped, {}, {}, RuleSet(()))
    settings = Settings(folder, str(store.engine.url), None, folder / "plant.yaml", None)
    return Hub(settings, configuration, store, RawFiles(folder), FrameStore(folder), {}, now=lambda: NOW)


def done(made: Hub) -> tuple[list[Command], list[tasks.Task]]:
    with made.store.begin() as tx:
        enacted = enact(made, tx, [GONE], lambda change: change.key)
        return list(enacted.enqueued), tasks.listed(tx)


def test_enact__what_the_system_can_withdraw_is_a_command_though_it_takes_no_new_ones(
    store: Store, tmp_path: Path
) -> None:
    made = hub(store, tmp_path, {"wms": "wms"})
    [command], opened = done(made)
    assert (command.system, command.kind, command.business_key, command.cancelled) == ("wms", GONE.kind, KEY, True)
    assert not opened
    assert build_payload(Lookups(made), command) == {}
    with pytest.raises(ConfigurationError, match=r"request_transfer\.outbound\.yaml is missing"):
        build_payload(Lookups(made), Command(GONE.kind, "wms", GONE.entity, KEY, 1, {}, "rule:x", "e"))


@pytest.mark.parametrize("roles", [{}, {"mes": "wms"}, {"wms": "other"}], ids=["nobody", "another", "another role"])
def test_enact__what_nothing_connected_can_withdraw_is_a_persons_task(
    store: Store, tmp_path: Path, roles: Mapping[str, str]
) -> None:
    made = hub(store, tmp_path, roles)
    for _ in range(2):
        commands, opened = done(made)
        assert not commands
        [task] = opened
        assert (task.kind, task.owner, task.key) == ("withdraw_document", "operator", f"wms|{KEY}")
        assert all("TR17" in text and "wms" in text for text in task.title.values())


def test_enact__what_was_never_made_or_is_withdrawn_is_nobodys_task(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    made = hub(store, tmp_path, {})
    assert done(made) == ([], [])
    with store.begin() as tx:
        revisions.next_revision(tx, "wms", "request_transfer", KEY, {"body": {}, "cancelled": False})
    assert done(made) == ([], []), "decided, and never carried out"
    with store.begin() as tx:
        documents.record(tx, [Document("wms", "transfer_order", KEY, "17", "TR17", 1, {}, "created", NOW)])
        revisions.next_revision(tx, "wms", "request_transfer", KEY, {"body": {}, "cancelled": True})
    assert done(made) == ([], []), "withdrawn by the hub itself"


# -- brakes --------------------------------------------------------------------------------------------------------


def wanted(number: int, *, cancelled: bool = False, approve: bool = False) -> CommandDraft:
    """One transfer, or the end of one that was decided before."""
    key = f"T|A|SO-{number}|1|1"
    return replace(GONE, business_key=key, cancelled=cancelled, approve=approve)


def held(made: Hub, drafts: list[CommandDraft]) -> dict[str, str]:
    """Business key → why its command is held."""
    with made.store.begin() as tx:
        for draft in drafts:
            if draft.cancelled:
                standing = {"body": {"before": True}, "cancelled": False}
                revisions.next_revision(tx, "wms", draft.kind, draft.business_key, standing)
        enacted = enact(made, tx, drafts, lambda change: change.key)
        found = {entry.command.business_key: entry.held_for for entry in outbox.entries(tx) if entry.held_for}
        assert enacted.held == len(found)
        assert len(enacted.enqueued) == len(drafts)
        return found


LIMITS = {"commands_per_run": 30, "cancelled_share": 0.5, "cancelled_at_least": 10}


@pytest.mark.parametrize(
    ("creates", "cancels", "waiting"),
    [
        (30, 0, set()),
        (31, 0, {"create"}),
        (21, 10, {"create", "cancel"}),  # more than a run may write, whatever they are
        (0, 9, set()),  # all of them, but few
        (10, 10, set()),  # half of them
        (9, 10, {"cancel"}),  # more than half: what is made goes on
    ],
)
def test_enact__a_run_that_writes_or_cancels_too_much_waits_for_approval(
    store: Store, tmp_path: Path, creates: int, cancels: int, waiting: set[str]
) -> None:
    made = hub(store, tmp_path, {"wms": "wms"}, limits=LIMITS)
    drafts = [wanted(number) for number in range(creates)]
    drafts += [wanted(number, cancelled=True) for number in range(creates, creates + cancels)]
    found = held(made, drafts)
    stopped = [one.business_key for one in drafts if ("cancel" if one.cancelled else "create") in waiting]
    assert found == dict.fromkeys(stopped, "approval")


@pytest.mark.parametrize("state", ["shadow", "paused"])
def test_enact__a_connection_that_is_not_live_is_sent_nothing(store: Store, tmp_path: Path, state: str) -> None:
    made = hub(store, tmp_path, {"wms": "wms"}, state=state)
    assert held(made, [wanted(1)]) == {wanted(1).business_key: "connection"}
    with store.begin() as tx:
        assert not deliveries.claim(tx, "w1", NOW, lease_seconds=60, limit=10, systems=("wms",))


def test_enact__a_rule_that_asks_for_approval_holds_its_own_command_only(store: Store, tmp_path: Path) -> None:
    made = hub(store, tmp_path, {"wms": "wms"})
    assert held(made, [wanted(1, approve=True), wanted(2)]) == {wanted(1).business_key: "approval"}


@pytest.mark.parametrize(("priorities", "said"), [((5, 0), 0), ((0, 5), 1), ((0, 0), 1), ((-1, -2), 0)])
def test_enact__the_highest_priority_has_the_last_word_on_a_document_and_of_equals_the_later(
    store: Store, tmp_path: Path, priorities: tuple[int, int], said: int
) -> None:
    made = hub(store, tmp_path, {"wms": "wms"})
    drafts = [
        replace(GONE, rule=f"r{at}", cancelled=False, body={"said": at}, priority=priority, business_key="K-1")
        for at, priority in enumerate(priorities)
    ]
    with made.store.begin() as tx:
        (command,) = enact(made, tx, drafts, lambda change: change.key).enqueued
    assert (command.body, command.actor) == ({"said": said}, f"rule:r{said}")
