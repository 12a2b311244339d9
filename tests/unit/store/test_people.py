from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from canonical.actors import Actor, Role
from canonical.errors import MillstreamError
from store import audit, people
from store.people import LastAdmin
from store.unit_of_work import Store

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def test_found__the_creator_alone_is_admin_and_it_is_audited(either_store: Store) -> None:
    with either_store.begin() as tx:
        assert people.found(tx, "li.wei", NOW)
        assert not people.found(tx, "mallory", NOW)
    with either_store.read() as tx:
        assert [(one.name, one.roles) for one in people.listed(tx)] == [("li.wei", frozenset({Role.ADMIN}))]
        acts = [(act.actor, act.action, act.detail) for act in audit.listed(tx, "person/li.wei")]
    assert acts == [
        ("person:li.wei", "role granted", {"role": "admin"}),
        ("person:li.wei", "person added", {"display_name": "li.wei"}),
    ]


def test_found__of_many_at_once_one_wins(either_store: Store) -> None:
    def found(name: str) -> bool:
        with either_store.begin() as tx:
            return people.found(tx, name, NOW)

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(found, ["a", "b", "c", "d"]))
    assert won.count(True) == 1
    with either_store.read() as tx:
        assert len(people.admins(tx)) == 1


def test_person__unknown_is_none_and_without_roles_is_no_actor(store: Store) -> None:
    with store.begin() as tx:
        people.add(tx, "wang.fang", "person:li.wei", NOW, display_name="王芳")
        assert people.person(tx, "mallory") is None
        one = people.person(tx, "wang.fang")
    assert one is not None
    assert (one.display_name, one.actor, one.may(Role.VIEWER)) == ("王芳", None, False)


@pytest.mark.parametrize("held", list(Role))
def test_may__a_role_covers_the_ones_before_it(store: Store, held: Role) -> None:
    with store.begin() as tx:
        people.add(tx, "wang.fang", "person:li.wei", NOW, roles=[held])
        one = people.person(tx, "wang.fang")
    assert one is not None
    order = list(Role)
    assert [one.may(needed) for needed in order] == [order.index(needed) <= order.index(held) for needed in order]


def test_grant_and_revoke__once_each_and_the_actor_has_the_farthest_role(store: Store) -> None:
    with store.begin() as tx:
        assert people.add(tx, "wang.fang", "person:li.wei", NOW, roles=[Role.STEWARD])
        assert not people.add(tx, "wang.fang", "person:li.wei", NOW)
        assert people.grant(tx, "wang.fang", Role.ENGINEER, "person:li.wei", NOW)
        assert not people.grant(tx, "wang.fang", Role.ENGINEER, "person:li.wei", NOW)
        assert not people.grant(tx, "mallory", Role.ENGINEER, "person:li.wei", NOW)
        one = people.person(tx, "wang.fang")
        assert one is not None
        assert one.actor == Actor("person", "wang.fang", Role.ENGINEER)
        assert people.revoke(tx, "wang.fang", Role.ENGINEER, "person:li.wei", NOW)
        assert not people.revoke(tx, "wang.fang", Role.ENGINEER, "person:li.wei", NOW)
        actions = [act.action for act in audit.listed(tx, "person/wang.fang")]
    assert actions == ["role revoked", "role granted", "role granted", "person added"]


def test_remove__and_revoke_leave_an_admin(store: Store) -> None:
    with store.begin() as tx:
        people.found(tx, "li.wei", NOW)
        with pytest.raises(LastAdmin):
            people.remove(tx, "li.wei", "person:li.wei", NOW)
        with pytest.raises(LastAdmin):
            people.revoke(tx, "li.wei", Role.ADMIN, "person:li.wei", NOW)
        people.add(tx, "wang.fang", "person:li.wei", NOW, roles=[Role.ADMIN])
        assert people.remove(tx, "li.wei", "person:wang.fang", NOW)
        assert not people.remove(tx, "li.wei", "person:wang.fang", NOW)
        assert people.admins(tx) == ["wang.fang"]
        assert audit.listed(tx, "person/li.wei")[0].action == "person removed"


def test_let_speak_for_others__is_audited_once(store: Store) -> None:
    with store.begin() as tx:
        people.found(tx, "gateway", NOW)
        assert people.let_speak_for_others(tx, "gateway", "person:gateway", NOW, allowed=True)
        assert not people.let_speak_for_others(tx, "gateway", "person:gateway", NOW, allowed=True)
        one = people.person(tx, "gateway")
        assert one is not None
        assert one.speaks_for_others
        assert audit.listed(tx, "person/gateway")[0].action == "may speak for others"


@pytest.mark.parametrize("name", ["", "li wei", "person:li.wei", "a/b", "a\nb", "x" * 129])
def test_add__what_cannot_name_a_person_is_refused(store: Store, name: str) -> None:
    with store.begin() as tx, pytest.raises(MillstreamError, match="cannot name a person"):
        people.add(tx, name, "person:li.wei", NOW)
