"""Partners and people, taken apart."""

from time import process_time

import pytest

from mdm.standardise.partners import address, parse_partner, partner_contradictions, tax_number
from mdm.standardise.people import digits, parse_person


def test_parse_partner__chinese_parts() -> None:
    parsed = parse_partner("江苏省苏州市华鑫精密机械有限公司昆山分公司")
    assert (parsed.region, parsed.province, parsed.core, parsed.trade) == ("苏州", "江苏", "华鑫", "精密机械")
    assert (parsed.legal, parsed.branch) == ("有限公司", "昆山分公司")
    assert parsed.raw == "江苏省苏州市华鑫精密机械有限公司昆山分公司"


def test_parse_partner__latin_parts() -> None:
    parsed = parse_partner("Huaxin Precision Machinery (Shanghai) Co., Ltd.")
    assert (parsed.region, parsed.core, parsed.trade) == ("上海", "huaxin", "precision machinery")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("上海华鑫贸易有限公司", "華鑫貿易（上海）有限公司"),
        ("上海市华鑫贸易有限公司", "华鑫贸易有限责任公司"),
        ("江苏华鑫贸易有限公司", "苏州华鑫贸易有限公司"),
        ("Acme Tools GmbH", "ACME TOOLS"),
    ],
)
def test_partner_contradictions__none(one: str, other: str) -> None:
    assert partner_contradictions(parse_partner(one), parse_partner(other)) == ()


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [
        ("上海华鑫贸易有限公司", "苏州华鑫贸易有限公司", "region"),
        ("上海华鑫贸易有限公司", "上海华鑫物流有限公司", "trade"),
        ("上海华鑫贸易有限公司", "上海华欣贸易有限公司", "core"),
        ("上海华鑫贸易有限公司", "上海华鑫贸易有限公司第一分公司", "branch"),
        ("Acme (Suzhou) Ltd", "Acme (Wuxi) Ltd", "region"),
    ],
)
def test_partner_contradictions__hard(one: str, other: str, part: str) -> None:
    assert part in partner_contradictions(parse_partner(one), parse_partner(other))


def test_tax_number__spaces_and_width() -> None:
    assert tax_number("９１３１０１１５ mA1K 35X2-1Q") == "91310115MA1K35X21Q"
    assert tax_number("n/a") == ""


def test_address__street_words_and_suffixes() -> None:
    assert address("12 King Street") == address("12 KING ST")
    assert address("江苏省苏州市工业园区1号") == address("江苏苏州工业园区1号")


def test_parse_person__order_and_titles() -> None:
    assert parse_person("Dr. Ada Lovelace").parts == parse_person("Lovelace, Ada").parts
    assert parse_person("欧阳锋先生").family == "欧阳"


def test_digits__chinese_mobile_prefix() -> None:
    assert digits("+86 138-0013-8000") == digits("13800138000")


@pytest.mark.parametrize(
    "said",
    ["甲" + "机械设备" * 40 + "店", "机械" * 4000 + "店", "1" * 8000, "甲" + "三" * 8000 + "店", "branch no " * 800],
    ids=lambda said: said[:6],
)
def test_parse_partner__whatever_a_system_sends_is_read_at_once(said: str) -> None:
    began = process_time()
    parse_partner(said)
    assert process_time() - began < 2


@pytest.mark.parametrize(
    ("said", "core", "trade"),
    [
        ("丰嘉机械设备", "丰嘉", "机械设备"),
        ("丰嘉工程机械设备技术有限公司", "丰嘉", "工程机械设备技术"),
        ("丰嘉机械店", "丰嘉机械店", ""),
        ("机械设备有限公司", "", "机械设备"),
    ],
)
def test_parse_partner__trades_are_the_longest_ending_made_of_trades(said: str, core: str, trade: str) -> None:
    parsed = parse_partner(said)
    assert (parsed.core, parsed.trade) == (core, trade)
