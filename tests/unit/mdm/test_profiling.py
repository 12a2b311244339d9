"""Policies made from columns nobody has described."""

import pytest

from canonical.errors import ConfigurationError
from mdm.compare import labels_of
from mdm.profiling import hint_of, profile


def _table(**columns: list[str]) -> list[dict[str, str]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_profile__kinds_from_values() -> None:
    left = _table(id=["1", "2"], title=["深沟球轴承 6204", "螺栓 M8"], price=["3.5", "4"])
    right = _table(id=["1", "2"], name=["轴承 6204", "螺丝 M8"], price=["3.5", "5"])
    policy = profile(left, right, ("id", "id"))
    assert {(c.left, c.right, c.kind) for c in policy.columns} == {
        ("title", "name", "name"),
        ("price", "price", "number"),
    }
    assert policy.matcher == "items"
    assert policy.one_to_one == ()


def test_profile__companies_by_their_legal_form() -> None:
    table = _table(id=["1", "2"], name=["上海华鑫贸易有限公司", "苏州恒达机械有限公司"])
    assert profile(table, table, ("id", "id")).columns[0].kind == "company"


def test_profile__nothing_in_common() -> None:
    with pytest.raises(ConfigurationError):
        profile([{"id": "1"}], [{"id": "1"}], ("id", "id"))


def _paired(left: list[dict[str, str]], right: list[dict[str, str]]) -> set[tuple[str, str, str]]:
    return {(c.left, c.right, c.kind) for c in profile(left, right, ("id", "id")).columns}


def test_profile__columns_under_other_names_and_in_another_order() -> None:
    firms = [f"苏州{a}{b}精密机械有限公司" for a in "恒华鑫宏永瑞" for b in "泰盛源达兴"]
    phones = [f"0512-{66000000 + 37 * k}" for k in range(30)]
    left = _table(id=firms, 客户名称=firms, 注册地址=[f"苏州市人民路{k}号" for k in range(30)], 联系电话=phones)
    right = _table(
        id=firms, contact_tel=phones[::-1], fullname=firms[::-1], grade=["A", "B", "C"] * 10,
        addr=[f"苏州人民路{k}号" for k in range(30)],
    )  # fmt: skip
    assert _paired(left, right) == {
        ("客户名称", "fullname", "company"), ("注册地址", "addr", "address"), ("联系电话", "contact_tel", "code"),
    }  # fmt: skip


def test_profile__one_text_there_tells_what_two_columns_tell_here() -> None:
    codes = [f"LM{300 + k}DR" for k in range(30)]
    makers = ["Texas Instruments", "Analog Devices", "Infineon"] * 10
    left = _table(id=codes, mpn=codes, manufacturer=makers, stock=[str(7 * k) for k in range(30)])
    right = _table(id=codes, item=[f"op amp {c} {m}" for c, m in zip(codes, makers, strict=True)])
    policy = profile(left, right, ("id", "id"))
    assert {(c.left, c.right) for c in policy.columns} == {("mpn", "item"), ("manufacturer", "item")}
    assert set(labels_of(profile(right, left, ("id", "id")))) == {"item", "manufacturer"}


def test_profile__a_year_and_a_date_say_the_same() -> None:
    titles = [f"History of the river {k}" for k in range(30)]
    left = _table(id=titles, title=titles, year=[str(1990 + k) for k in range(30)])
    right = _table(id=titles, book=titles, printing_date=[f"{1990 + k}-05-01" for k in range(30)])
    assert _paired(left, right) == {("title", "book", "name"), ("year", "printing_date", "date")}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("emailAddress", "code"), ("customer_id", "code"), ("客户编号", "code"), ("客户名称", "company"),
        ("hotel", None),
        ("european_article", None), ("DateOfBirth", "date"), ("zip", "code"),
        ("street_number", "address"), ("name", None),
    ],
)  # fmt: skip
def test_hint_of__words_of_a_name(name: str, kind: str | None) -> None:
    assert hint_of(name) == kind
