"""The objects and fields of the simulated CRM, and how their values look on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from sandbox.crm.errors import CrmError

FieldType = Literal["id", "reference", "string", "boolean", "double", "date", "datetime", "textarea"]
LONGEST: Final = 255
LONGEST_AREA: Final = 32_768  # of a Long Text Area


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `target` is the object a reference points to, `relation` its name in dotted paths."""

    name: str
    type: FieldType = "string"
    target: str | None = None
    relation: str | None = None
    required: bool = False
    external_id: bool = False
    picklist: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SObject:
    """One object type with its key prefix and fields; `Id` and `SystemModstamp` are added to all."""

    name: str
    prefix: str
    own: tuple[Field, ...]

    @property
    def fields(self) -> dict[str, Field]:
        """All fields by name, in order."""
        every = (Field("Id", "id"), *self.own, Field("SystemModstamp", "datetime"))
        return {field.name: field for field in every}

    def relation(self, name: str) -> Field | None:
        """The reference field of that relation name, or None."""
        return next((field for field in self.own if field.relation == name), None)

    def field(self, name: str) -> Field:
        """The field of that name, case ignored as in Salesforce; CrmError INVALID_FIELD."""
        for known, field in self.fields.items():
            if known.lower() == name.lower():
                return field
        raise CrmError(400, "INVALID_FIELD", f"No such column '{name}' on entity '{self.name}'.", (name,))


def _reference(name: str, target: str, relation: str, *, required: bool = True) -> Field:
    return Field(name, "reference", target, relation, required=required)


OBJECTS: Final = {
    each.name: each
    for each in (
        SObject(
            "Account",
            "001",
            (
                Field("Name", required=True),
                Field("AccountNumber"),
                Field("Tax_Number__c"),
                Field("BillingCity"),
                Field("Phone"),
                _reference("ParentId", "Account", "Parent", required=False),
                Field("Golden_Code__c"),
            ),
        ),
        SObject(
            "Product2",
            "01t",
            (
                Field("Name"),
                Field("ProductCode"),
                Field("StockKeepingUnit"),
                Field("IsActive", "boolean"),
                Field("QuantityUnitOfMeasure"),
                Field("Golden_Code__c"),
            ),
        ),
        SObject(
            "Order",
            "801",
            (
                Field("OrderNumber"),
                _reference("AccountId", "Account", "Account"),
                Field("EffectiveDate", "date", required=True),
                Field("Status", required=True, picklist=("Draft", "Activated", "Cancelled")),
                Field("Urgent__c", "boolean"),
                Field("Custom__c", "boolean"),
            ),
        ),
        SObject(
            "OrderItem",
            "802",
            (
                _reference("OrderId", "Order", "Order"),
                Field("LineNumber__c", "double"),
                _reference("Product2Id", "Product2", "Product2"),
                Field("Quantity", "double", required=True),
                Field("UnitPrice", "double"),
                Field("EndDate", "date"),
                Field("Configuration__c", "textarea"),
            ),
        ),
        SObject(
            "Lead",
            "00Q",
            (
                Field("Company", required=True),
                Field("LastName", required=True),
                Field("Email"),
                Field("Status"),
                Field("LeadSource"),
            ),
        ),
        SObject(
            "Order_Progress__c",
            "a0P",
            (
                Field("Order_Ref__c", external_id=True),
                _reference("Order__c", "Order", "Order__r", required=False),
                Field("Stage__c"),
                Field("Percent_Complete__c", "double"),
                Field("Promised_Date__c", "date"),
                Field("Note__c"),
            ),
        ),
    )
}


def sobject(name: str) -> SObject:
    """The object type of that name, case ignored; CrmError NOT_FOUND."""
    for known, each in OBJECTS.items():
        if known.lower() == name.lower():
            return each
    raise CrmError(404, "NOT_FOUND", "The requested resource does not exist")


def record_id(prefix: str, number: int) -> str:
    """The 18-character id of the number-th record of a type."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text, rest = "", number
    while rest:
        rest, at = divmod(rest, 62)
        text = digits[at] + text
    return full_id(f"{prefix}Dm0000{text:0>6}")


def full_id(short: str) -> str:
    """The 18-character form of a 15-character id: the suffix says which letters are capitals."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << at for at, letter in enumerate(short[start : start + 5]) if letter.isupper())
        suffix += alphabet[bits]
    return short + suffix


def long_id(given: str) -> str:
    """A given 15- or 18-character id in its 18-character form; anything else unchanged."""
    return full_id(given) if len(given) == 15 else given  # noqa: PLR2004 - the short form's length


def stamp(moment: datetime) -> str:
    """A datetime as Salesforce writes it: `2026-11-02T09:00:00.000+0000`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def moment(text: str) -> datetime:
    """An ISO 8601 date-time with zone, aware UTC; ValueError otherwise."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return found.astimezone(UTC)


def stored(field: Field, value: Any) -> str | int | None:  # noqa: ANN401 - a JSON value
    """A JSON value as it is kept in SQLite; CrmError names what does not fit the field's type."""
    if value is None or value == "":
        return None
    try:
        return _stored(field, value)
    except (ValueError, TypeError, InvalidOperation) as error:
        kind = type(value).__name__
        text = f"Cannot deserialize instance of {field.type} from {kind} value {value!r} for {field.name}"
        raise CrmError(400, "JSON_PARSER_ERROR", text, (field.name,)) from error


def _stored(field: Field, value: Any) -> str | int:  # noqa: ANN401 - a JSON value
    if field.type == "boolean":
        return _boolean(value)
    if field.type == "double":
        return _number(value)
    if field.type == "date":
        return date.fromisoformat(value).isoformat()
    if field.type == "datetime":
        return stamp(moment(value))
    return _text(field, value)


def _boolean(value: Any) -> int:  # noqa: ANN401 - a JSON value
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return int(value)


def _number(value: Any) -> str:  # noqa: ANN401 - a JSON value
    if isinstance(value, bool):
        raise TypeError("not a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("not a finite number")
    return format(number, "f")


def _text(field: Field, value: Any) -> str:  # noqa: ANN401 - a JSON value
    if not isinstance(value, str):
        raise TypeError("not a string")
    longest = LONGEST_AREA if field.type == "textarea" else LONGEST
    if len(value) > longest:
        text = f"{field.name}: data value too large (max length={longest})"
        raise CrmError(400, "STRING_TOO_LONG", text, (field.name,))
    if field.picklist and value not in field.picklist:
        text = f"{field.name}: bad value for restricted picklist field: {value}"
        raise CrmError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, (field.name,))
    return long_id(value) if field.type in ("id", "reference") else value


def shown(field: Field, value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """A stored value as JSON; a double is a JSON number, as in Salesforce."""
    if value is None:
        return None
    if field.type == "boolean":
        return bool(value)
    return float(value) if field.type == "double" else value
