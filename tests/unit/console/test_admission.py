from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canonical.actors import Role
from canonical.commands import State
from console.cli.admission import admitted
from console.cli.failures import NotAllowed
from console.cli.state import account
from console.cli.terminal import Terminal
from console.cli.verbs import VERBS, Name
from console.words.words import Words
from store import audit, outbox, people
from store.unit_of_work import Store

Call = Any
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
CALLERS = [*Role, "roleless", "unknown"]


def made(home: Path, *, me: list[Role] | None) -> Store:
    """A hub whose admin is somebody else; `me`: the roles of whoever runs this test, None for a stranger."""
    store = Store.open(f"sqlite:///{home / 'hub.sqlite'}")
    with store.begin() as tx:
        people.found(tx, "boss", NOW)
        if me is not None:
            people.add(tx, account(), "person:boss", NOW, roles=me)
    return store


@pytest.fixture(scope="module", params=CALLERS)
def caller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Terminal]]:
    """Each kind of caller, with a terminal at a hub that knows them as that."""
    home = tmp_path_factory.mktemp("hub")
    roles = {"roleless": [], "unknown": None}.get(request.param, [request.param])
    store = made(home, me=roles)
    yield request.param, Terminal.open(Words("en"), {"MILLSTREAM_HOME": str(home)})
    store.close()


@pytest.mark.parametrize("name", VERBS, ids=" ".join)
def test_every_verb__lets_in_who_may_and_nobody_else(caller: tuple[str, Terminal], name: Name) -> None:
    who, terminal = caller
    needs = VERBS[name].needs
    if needs is None or (isinstance(who, Role) and who.may(needs)):
        actor = admitted(terminal, name).actor
        assert actor == (None if needs is None else actor)
        assert needs is None or (actor is not None and (actor.name, actor.role) == (account(), who))
        return
    with pytest.raises(NotAllowed) as denied:
        admitted(terminal, name)
    said = str(denied.value)
    assert account() in said
    assert f"needs the role {needs.value}" in said
    assert "boss" in said


def test_an_undeclared_verb__is_denied_to_everybody(caller: tuple[str, Terminal]) -> None:
    with pytest.raises(NotAllowed, match="nobody may call"):
        admitted(caller[1], ("outbox", "burn"))


def test_what_needs_no_role__touches_no_hub() -> None:
    assert {name for name, verb in VERBS.items() if verb.needs is None} == {
        ("demo",), ("check",), ("preview",), ("plan", "case"), ("plan", "configure"),
        ("mdm", "evaluate"), ("new", "system"),
        ("rules", "list"), ("rules", "test"), ("rules", "schema"),
    }  # fmt: skip


def test_only_readers__need_no_more_than_a_viewer() -> None:
    reading = {name[-1] for name, verb in VERBS.items() if verb.needs is Role.VIEWER and name[0] != "plan"}
    assert {name[-1] for name in VERBS if name[0] == "plan"} == {
        "case", "run", "diff", "explain", "peg", "kit", "promise", "impact", "scenario", "shortages", "purchases",
        "load", "promise-order", "promises", "release",
        "configure", "configured", "forecast", "override", "review", "export",
    }  # fmt: skip
    asking = {"match", "explain", "queue", "relations", "history"}  # of mdm
    assert reading <= {"status", "trace", "doctor", "list", "show", *asking}


def test_a_fresh_hub__makes_its_creator_admin(call: Call, home: Path) -> None:
    assert call("connections", "set", "wms", "shadow").code == 0
    (one,) = call("people", "list", "--json").json
    assert (one["name"], one["roles"], one["added_by"]) == (account(), ["admin"], f"person:{account()}")
    store = Store.open(f"sqlite:///{home / 'hub.sqlite'}")
    with store.read() as tx:
        assert {act.action for act in audit.listed(tx, f"person/{account()}")} == {"person added", "role granted"}
    store.close()


def test_a_denied_write__changes_nothing_and_is_audited(call: Call, told: Store) -> None:
    with told.begin() as tx:
        people.found(tx, "boss", NOW)
        before = {entry.command.id: entry.state for entry in outbox.entries(tx)}
    parked = next(one for one, state in before.items() if state is State.PARKED)
    ended = call("outbox", "retry", parked, "--json")
    assert (ended.code, ended.json["error"]["kind"]) == (2, "NotAllowed")
    with told.read() as tx:
        assert {entry.command.id: entry.state for entry in outbox.entries(tx)} == before
        (act,) = audit.listed(tx, "verb/outbox retry")
    assert (act.actor, act.action, act.detail["needs"]) == (f"person:{account()}", "denied", "approver")


def test_help__is_for_everybody(call: Call, home: Path) -> None:
    made(home, me=None).close()
    assert call("outbox", "retry", "--help").code == 0
    assert call("outbox").code == 0
    assert call("--version").code == 0
    assert call("status").code == 2


def test_user_variables_of_the_shell__are_not_believed(call: Call, home: Path) -> None:
    made(home, me=None).close()
    ended = call("status", USER="boss", LOGNAME="boss")
    assert (ended.code, account() in ended.err) == (2, True)


def test_millstream_user__is_believed_only_under_an_account_that_is_trusted(call: Call, home: Path) -> None:
    store = made(home, me=[Role.ADMIN])
    refused = call("status", MILLSTREAM_USER="boss")
    assert (refused.code, f"people trust {account()}" in refused.err) == (2, True)
    assert call("people", "trust", account()).code == 0
    assert call("people", "add", "wang.fang", "--role", "viewer", MILLSTREAM_USER="boss").code == 0
    with store.read() as tx:
        assert audit.listed(tx, "person/wang.fang")[0].actor == "person:boss"
    assert call("people", "list", MILLSTREAM_USER="wang.fang").code == 0
    assert call("people", "remove", "boss", MILLSTREAM_USER="wang.fang").code == 2
    assert "not on the roll" in call("people", "list", MILLSTREAM_USER="mallory").err
    assert call("people", "distrust", account()).code == 0
    assert call("people", "list", MILLSTREAM_USER="wang.fang").code == 2
    store.close()


def test_millstream_user__makes_nobody_else_the_creator(call: Call, home: Path) -> None:
    assert call("people", "add", "li.wei", MILLSTREAM_USER="li.wei").code == 2
    assert not home.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_hub_of_somebody_else__is_not_taken_over(call: Call, home: Path) -> None:
    Store.open(f"sqlite:///{home / 'hub.sqlite'}").close()
    os.chown(home / "hub.sqlite", 65534, 65534)
    ended = call("status")
    assert (ended.code, "nobody is on the roll" in ended.err) == (2, True)


# -- people --------------------------------------------------------------------------------------------------------


def test_people__add_grant_revoke_remove(call: Call, home: Path) -> None:
    added = call(
        "people", "add", "wang.fang", "--role", "viewer", "--role", "steward", "--display-name", "王芳", "--json"
    )
    assert (added.json["roles"], added.json["display_name"]) == (["viewer", "steward"], "王芳")
    assert call("people", "grant", "wang.fang", "approver", "--json").json["changed"] is True
    assert call("people", "grant", "wang.fang", "approver", "--json").json["changed"] is False
    assert call("people", "revoke", "wang.fang", "viewer", "--json").json["roles"] == ["steward", "approver"]
    assert "审批人 approver" in call("people", "list", "--lang", "zh").out
    assert call("people", "remove", "wang.fang").code == 0
    assert [row["name"] for row in call("people", "list", "--json").json] == [account()]


def test_people__of_somebody_unknown_suggests_who_is_meant(call: Call, home: Path) -> None:
    call("people", "add", "wang.fang")
    ended = call("people", "grant", "wang.fan", "viewer")
    assert (ended.code, "wang.fang" in ended.err) == (2, True)
    assert call("people", "remove", "nobody").code == 2


def test_people_remove__the_last_admin_stays(call: Call, home: Path) -> None:
    call("people", "add", "wang.fang", "--role", "engineer")
    assert call("people", "remove", account()).code == 1
    assert call("people", "revoke", account(), "admin").code == 1
    assert len(call("people", "list", "--json").json) == 2
