"""What standardising leaves nothing to tell apart merges by itself; a part that differs, or a double, does not."""

import pytest

from mdm.block import as_pairs, prepare
from mdm.match_policy import Column, Kind, MatchPolicy
from mdm.sameness import identical, spelt_alike, vouched


def _same(left: list[dict[str, str]], right: list[dict[str, str]], *columns: tuple[str, Kind]) -> list[bool]:
    policy = MatchPolicy(columns=tuple(Column(left=name, right=name, kind=kind) for name, kind in columns))
    pairs = as_pairs([(i, j) for i in range(len(left)) for j in range(len(right))])
    sides = prepare(left, policy, "left"), prepare(right, policy, "right")
    return [bool(one) for one in identical(*sides, pairs, policy)]


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("武汉市恒达轴承有限公司", "恒达轴承（武汉）股份有限公司", True),
        ("武汉市恒达轴承有限公司", "武汉恒达轴承有限公司第二分公司", False),
        ("武汉市恒达轴承有限公司", "无锡恒达轴承有限公司", False),
        ("恒达轴承有限公司", "恒达轴承公司", False),
    ],
)
def test_identical__company_by_its_parts(ours: str, theirs: str, same: bool) -> None:
    assert _same([{"name": ours}], [{"name": theirs}], ("name", "company")) == [same]


@pytest.mark.parametrize(("ours", "theirs", "same"), [("GB123456789", "GB 123456789", True), ("GB1234567", "", False)])
def test_identical__name_without_a_place_needs_a_number_both_write(ours: str, theirs: str, same: bool) -> None:
    told = [{"name": "Titan Software LLC", "vat": ours}], [{"name": "Titan Software Ltd", "vat": theirs}]
    assert _same(*told, ("name", "company"), ("vat", "code")) == [same]


def test_identical__numbers_that_differ_are_two_companies() -> None:
    told = [{"name": "武汉恒达轴承公司", "tax": "91420100A"}], [{"name": "武汉恒达轴承公司", "tax": "91420100B"}]
    assert _same(*told, ("name", "company"), ("tax", "code")) == [False]


def test_identical__a_double_on_one_side_waits() -> None:
    twice = [{"name": "武汉恒达轴承公司"}, {"name": "武汉市恒达轴承有限公司"}]
    assert _same([{"name": "武汉恒达轴承公司"}], twice, ("name", "company")) == [False, False]


def test_identical__a_box_is_long_wide_and_high_in_that_order() -> None:
    left = [{"name": "三层纸箱 400×250×300mm"}]
    right = [{"name": "纸箱 40*30*25cm 3层"}, {"name": "纸箱 40*25*30cm 3层"}]
    assert _same(left, right, ("name", "name")) == [False, True]


def test_spelt_alike__seal_said_on_one_side() -> None:
    policy = MatchPolicy(columns=(Column(left="name", right="name", kind="name"),))
    left = prepare([{"name": "深沟球轴承 6903-ZZ"}], policy, "left")
    right = prepare([{"name": "滚珠轴承 6903"}, {"name": "滚珠轴承 6903 ZZ"}], policy, "right")
    assert spelt_alike(left, right, as_pairs([(0, 0), (0, 1)]), policy).tolist() == [False, True]


def test_vouched__a_company_by_its_place_or_by_what_both_write() -> None:
    named = (("name", "company"), ("tax", "code"), ("street", "address"))
    policy = MatchPolicy(columns=tuple(Column(left=name, right=name, kind=kind) for name, kind in named))  # type: ignore[arg-type]
    left = prepare([{"name": "Titan Software LLC", "tax": "GB 12", "street": "1 Mill Road"}], policy, "left")
    told = [("GB12", ""), ("GB13", "1 Mill Rd"), ("", "2 Mill Road"), ("", "")]
    right = prepare([{"name": "Titan Software", "tax": tax, "street": road} for tax, road in told], policy, "right")
    pairs = as_pairs([(0, place) for place in range(len(told))])
    assert vouched(left, right, pairs, policy).tolist() == [True, True, False, False]


def test_vouched__other_things_need_nothing_beside_their_names() -> None:
    policy = MatchPolicy(columns=(Column(left="name", right="name", kind="name"),))
    side = prepare([{"name": "Bolt M8"}], policy, "left"), prepare([{"name": "Bolt M8"}], policy, "right")
    assert vouched(*side, as_pairs([(0, 0)]), policy).tolist() == [True]
