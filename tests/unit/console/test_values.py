from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from console.web.values import acting, spoken
from console.words.words import Words

EN, ZH = Words("en"), Words("zh")


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (None, "–", "–"),
        (False, "no", "否"),
        ("lot_for_lot", "lot_for_lot", "按需定量"),
        ("2026-11-02T23:30:00.000740+00:00", "2026-11-03 07:30", "2026-11-03 07:30"),
        ("2026-11-02T23:30:00Z", "2026-11-03 07:30", "2026-11-03 07:30"),
        (datetime(2026, 11, 2, 23, 30, tzinfo=UTC), "2026-11-03 07:30", "2026-11-03 07:30"),
        (Decimal("10.500"), "10.5", "10.5"),
        (["erp", "crm"], "erp, crm", "erp, crm"),
        ([], "–", "–"),
        ({"role": "steward", "until": None}, "role: steward; until: –", "角色：数据管家；截止：–"),
    ],
)
def test_spoken__is_for_readers_not_for_machines(value: object, english: str, chinese: str) -> None:
    assert spoken(EN, _clock, value) == english
    assert spoken(ZH, _clock, value) == chinese


@pytest.mark.parametrize("text", ["2026-13-99T99:99:99Z", "2026-11-02", "1.10", "007", "2026-11-02T23:30:00"])
def test_spoken__leaves_codes_and_what_is_no_moment_as_they_are(text: str) -> None:
    assert spoken(EN, _clock, text) == text


@pytest.mark.parametrize(
    ("actor", "english", "chinese"),
    [
        ("person:li.wei", "li.wei", "li.wei"),
        ("rule:make-to-order", "rule make-to-order", "规则 make-to-order"),
        ("li.wei", "li.wei", "li.wei"),
    ],
)
def test_acting__names_people_and_says_what_else_acted(actor: str, english: str, chinese: str) -> None:
    assert (acting(EN, actor), acting(ZH, actor)) == (english, chinese)
