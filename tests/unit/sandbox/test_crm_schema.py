"""Ids and values as Salesforce writes them."""

import pytest

from sandbox.crm.errors import CrmError
from sandbox.crm.schema import OBJECTS, full_id, record_id, stored
from sandbox.crm.soql import compile_soql


def test_full_id__known_suffix() -> None:
    assert full_id("001Dm00000AbCdE") == "001Dm00000AbCdEIAV"


def test_record_id__unique_and_18_characters() -> None:
    ids = [record_id("801", number) for number in range(1, 5000)]
    assert len({each.lower() for each in ids}) == len(ids)
    assert {len(each) for each in ids} == {18}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Percent_Complete__c", "a lot"),
        ("Percent_Complete__c", True),
        ("Percent_Complete__c", float("nan")),
        ("Promised_Date__c", "2026-13-01"),
        ("Stage__c", 5),
        ("Stage__c", "x" * 256),
    ],
)
def test_stored__refuses_what_does_not_fit(field: str, value: object) -> None:
    with pytest.raises(CrmError):
        stored(OBJECTS["Order_Progress__c"].fields[field], value)


def test_stored__numbers_stay_exact() -> None:
    assert stored(OBJECTS["OrderItem"].fields["Quantity"], "0.1000000000000000055") == "0.1000000000000000055"


def test_compile_soql__joins_once_and_binds_every_literal() -> None:
    text = "SELECT Id, Order.OrderNumber, Order.Account.Name FROM OrderItem WHERE Order.Account.Name LIKE '%x%' LIMIT 3"
    statement = compile_soql(text)
    assert statement.sql.count("LEFT JOIN") == 2
    assert statement.parameters == ["%x%"]
    assert "%x%" not in statement.sql
