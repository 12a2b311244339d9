from __future__ import annotations

import pytest

from console.words.field_names import broken
from console.words.words import Words


@pytest.mark.parametrize(
    ("message", "english", "chinese"),
    [
        (
            "lead_time_days: not a whole number: 'safety_stock'",
            "lead time days: not a whole number: 'safety_stock'",
            "提前期（天）",
        ),
        (
            "valid_from, valid_to must not run backwards",
            "valid from, valid to must not run backwards",
            "的先后顺序颠倒",
        ),
        ("item 'DW_X' is not known (yet)", "item 'DW_X' is not known (yet)", "物料 'DW_X' 未知"),
        (
            "work_order 'it\\'s lead_time' is not known (yet)",
            "work order 'it\\'s lead_time' is not known (yet)",
            "工单",
        ),
    ],
)
def test_broken__says_the_fields_name_and_leaves_the_records_words(message: str, english: str, chinese: str) -> None:
    assert broken(Words("en"), message) == english
    assert chinese in broken(Words("zh"), message)
