"""Homes, decisions and links become groups; taking a decision back leaves what was there before."""

from __future__ import annotations

from datetime import UTC, datetime

from canonical.stewardship import Decision, Kind, SourceRef, in_force, waiting
from mdm.identity import Grouping, Link, LinkRules, Node, group, tied

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def ref(text: str) -> SourceRef:
    return SourceRef.parse(text)


def nodes(*placed: tuple[str, str]) -> list[Node]:
    return [Node(ref(name), home, order) for order, (name, home) in enumerate(placed)]


def decision(number: int, kind: Kind, members: str = "", others: str = "", about: int | None = None) -> Decision:
    refs, apart = (tuple(map(ref, names.split())) for names in (members, others))
    return Decision(number, "item", kind, refs, "person:li", NOW, others=apart, about=about)


TWO = nodes(("erp:01", "DW-1"), ("mes:9", "DW-1"), ("wms:S", "wms:S"), ("crm:F", "wms:S"))


def shown(found: Grouping) -> dict[str, str]:
    return {golden_id: " ".join(map(str, members)) for golden_id, members in found.groups.items()}


def test_group__homes_alone_are_the_groups() -> None:
    assert shown(group(TWO, [])) == {"DW-1": "erp:01 mes:9", "wms:S": "wms:S crm:F"}


def test_group__same_joins_whole_homes_under_the_older_id() -> None:
    found = group(TWO, [decision(1, "same", "mes:9 crm:F")])
    assert shown(found) == {"DW-1": "erp:01 mes:9 wms:S crm:F"}
    assert found.redirects == {"wms:S": "DW-1"}


def test_group__split_part_is_named_for_its_first_record_and_the_founder_keeps_the_id() -> None:
    found = group(TWO, [decision(1, "split", "erp:01", "mes:9")])
    assert shown(found) == {"DW-1": "erp:01", "mes:9": "mes:9", "wms:S": "wms:S crm:F"}


def test_group__parts_leave_together() -> None:
    three = nodes(("erp:01", "D"), ("mes:9", "D"), ("wms:S", "D"), ("crm:F", "D"))
    found = group(three, [decision(1, "split", "mes:9 crm:F", "erp:01 wms:S")])
    assert shown(found) == {"D": "erp:01 wms:S", "mes:9": "mes:9 crm:F"}


def test_group__later_decision_wins() -> None:
    same, different = decision(1, "same", "erp:01 wms:S"), decision(2, "different", "erp:01", "wms:S")
    assert set(group(TWO, [same, different]).groups) == {"DW-1", "wms:S"}
    again = decision(3, "same", "erp:01 wms:S")
    assert set(group(TWO, [same, different, again]).groups) == {"DW-1"}


def test_group__different_holds_against_a_chain_of_older_verdicts() -> None:
    three = nodes(("erp:1", "A"), ("mes:1", "B"), ("wms:1", "C"))
    chain = [decision(1, "same", "erp:1 mes:1"), decision(2, "same", "mes:1 wms:1")]
    found = group(three, [*chain, decision(3, "different", "erp:1", "wms:1")])
    assert shown(found) == {"A": "erp:1", "B": "mes:1 wms:1"}


def test_group__record_may_leave_its_home_for_another() -> None:
    found = group(TWO, [decision(1, "different", "mes:9", "erp:01"), decision(2, "same", "mes:9 wms:S")])
    assert shown(found) == {"DW-1": "erp:01", "wms:S": "mes:9 wms:S crm:F"}


def test_group__links_join_homes_unless_a_steward_objects() -> None:
    link = Link(ref("erp:01"), ref("wms:S"), 0.999)
    assert set(group(TWO, [], [link]).groups) == {"DW-1"}
    assert set(group(TWO, [decision(1, "different", "mes:9", "crm:F")], [link]).groups) == {"DW-1", "wms:S"}


def test_group__a_bridge_joins_only_what_it_is_linked_to_throughout() -> None:
    three = nodes(("erp:1", "A"), ("mes:1", "B"), ("wms:1", "C"))
    bridge = [Link(ref("erp:1"), ref("mes:1"), 0.999), Link(ref("mes:1"), ref("wms:1"), 0.99)]
    assert shown(group(three, [], bridge)) == {"A": "erp:1 mes:1", "C": "wms:1"}
    closed = [*bridge, Link(ref("erp:1"), ref("wms:1"), 0.98)]
    assert shown(group(three, [], closed)) == {"A": "erp:1 mes:1 wms:1"}
    assert shown(group(three, [], closed, LinkRules(cap=2))) == {"A": "erp:1 mes:1", "C": "wms:1"}


def test_group__declared_sources_keep_their_records_apart() -> None:
    two = nodes(("erp:1", "A"), ("erp:2", "B"))
    link = [Link(ref("erp:1"), ref("erp:2"), 0.999)]
    assert len(group(two, [], link).groups) == 1
    assert len(group(two, [], link, LinkRules(frozenset({"erp"}))).groups) == 2
    assert len(group(two, [decision(1, "same", "erp:1 erp:2")], [], LinkRules(frozenset({"erp"}))).groups) == 1


def test_in_force__taken_back_and_taken_back_again() -> None:
    taken = [decision(1, "same", "erp:01 wms:S"), decision(2, "revoke", about=1)]
    assert in_force(taken, NOW) == []
    assert in_force([*taken, decision(3, "revoke", about=2)], NOW) == taken[:1]


def test_in_force__waits_for_a_second_person() -> None:
    proposed = Decision(1, "item", "same", (ref("erp:01"), ref("wms:S")), "person:li", NOW, needs_approval=True)
    assert in_force([proposed], NOW) == []
    assert waiting([proposed]) == [proposed]
    approved = [proposed, decision(2, "approve", about=1)]
    assert in_force(approved, NOW) == [proposed]
    assert waiting(approved) == []
    assert in_force([proposed, decision(2, "reject", about=1)], NOW) == []


def test_tied__through_decisions_and_links_and_no_further() -> None:
    home_of = {ref(f"erp:{home}"): home for home in "ABCDE"}
    decisions = [decision(1, "different", "erp:A", "erp:B"), decision(2, "split", "erp:D erp:E erp:gone")]
    links = [Link(ref("erp:C"), ref("erp:B"), 0.9), Link(ref("erp:gone"), ref("erp:C"), 0.9)]
    assert tied(["A"], home_of, decisions, links) == {"A", "B", "C"}
    assert tied(["E", "X"], home_of, decisions, links) == {"D", "E", "X"}
    assert tied([], home_of, decisions, links) == set()
