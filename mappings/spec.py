"""What a mapping file may say: `<entity>.inbound.yaml` and `<operation>.outbound.yaml`.

A mapping chooses and names; it computes nothing. Loading checks every name against the vocabulary
and the registered functions, so that a slip is found with file, line and column before any record moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Scalar = str | bool | None


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str) else given


def _as_source(given: object) -> object:
    """`code: FNumber` is short for `code: {from: FNumber}`."""
    return {"from": given} if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Condition(_Part):
    """A record passes where the raw field is among `equals`, not among `unless`, and (with `present`) has a value."""

    field: str
    equals: Names = ()
    unless: Names = ()
    present: bool = False


class Case(_Part):
    """`value` wins where the raw field equals one of `equals`; cases are tried in order, before `from`."""

    field: str
    equals: Names
    value: Scalar


class JoinPart(_Part):
    """One part of a joined key: a raw field, or a constant."""

    source: str | None = Field(default=None, alias="from")
    value: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> JoinPart:
        if (self.source is None) == (self.value is None):
            raise ValueError("give exactly one of 'from' and 'value'")
        return self


class InboundField(_Part):
    """Where a canonical field comes from: `from` a raw field, a constant `value`, or a `join` of several."""

    source: str | None = Field(default=None, alias="from")
    value: Scalar = None
    join: tuple[Annotated[JoinPart, BeforeValidator(_as_source)], ...] = ()
    cases: tuple[Case, ...] = ()
    map: dict[str, Scalar] | None = None
    call: Names = ()
    default: Scalar = None
    places: int | None = Field(default=None, ge=0, le=9)
    """Round a number to so many decimal places (half to even); without it more than nine places are a fault."""

    @model_validator(mode="after")
    def _one_origin(self) -> InboundField:
        given = [bool(self.source), "value" in self.model_fields_set, bool(self.join)]
        if sum(given) != 1:
            raise ValueError("give exactly one of 'from', 'value' and 'join'")
        return self

    def paths(self) -> tuple[str, ...]:
        """Every raw field that has a say in this canonical field."""
        own = (self.source,) if self.source else tuple(part.source for part in self.join if part.source)
        return tuple(dict.fromkeys((*(path for path in own if path), *(case.field for case in self.cases))))


class ChangeTime(_Part):
    """Where a record says when it changed, and how the system writes times."""

    source: str = Field(alias="from")
    call: Names = ()


class InboundSpec(_Part):
    """One stream of one system, seen as records of one entity."""

    entity: str
    stream: str
    source_key: tuple[str, ...] = ()
    """Canonical fields; by default the entity's own key."""
    native_id: str | None = None
    changed_at: Annotated[ChangeTime | None, BeforeValidator(_as_source)] = None
    unique: bool = False
    """Several rows tell of one record (heads repeated on lines): the last one, landed latest, wins."""
    where: tuple[Condition, ...] = ()
    units: dict[str, str] = {}
    """The system's unit code → canonical unit; by default what `units.yaml` beside the mapping says."""
    fields: dict[str, Annotated[InboundField, BeforeValidator(_as_source)]]


class UnitSheet(_Part):
    """`units.yaml`: the unit codes one system uses."""

    units: dict[str, str]


def _as_node(given: object) -> object:
    return {"from": given} if isinstance(given, str) else given


class OutboundNode(_Part):
    """One target field: a leaf, an object (`fields`), a list from the body (`each`) or a fixed list (`list`)."""

    source: str | None = Field(default=None, alias="from")
    value: Any = None
    our: str | None = None
    """`our: reference` is the command's business key, by which the document is found again."""
    quantity: str | None = None
    item: str | None = None
    unit_of: str | None = None
    reference: str | None = None
    """The entity whose golden id stands in `from`; it leaves as the target's own key."""
    system: str | None = None
    """Whose key, where it is not the target's own (a sales order is known by its CRM number)."""
    native_id: bool = False
    """Send the technical id instead of the key that people see."""
    own: bool = False
    """`from` holds the key a record has in the target already, not a golden id."""
    map: dict[str, Scalar] | None = None
    call: Names = ()
    default: Scalar = None
    as_: str | None = Field(default=None, alias="as", pattern="^(text|number)$")
    omit_null: bool = False
    fields: Mapping[str, Annotated[OutboundNode, BeforeValidator(_as_node)]] | None = None
    each: str | None = None
    list_: tuple[Annotated[OutboundNode, BeforeValidator(_as_node)], ...] | None = Field(default=None, alias="list")

    @model_validator(mode="after")
    def _one_shape(self) -> OutboundNode:
        origins = {"source", "value", "our", "quantity", "unit_of", "list_", "each"} & self.model_fields_set
        plain_object = not origins and self.fields is not None
        if len(origins) != 1 and not plain_object:
            raise ValueError("give one of 'from', 'value', 'our', 'quantity', 'unit_of', 'each', 'list', 'fields'")
        if self.quantity is not None and self.item is None:
            raise ValueError("'quantity' needs 'item', whose unit it is counted in")
        if (self.each is None) == (self.fields is not None) and not plain_object:
            raise ValueError("'each' and 'fields' go together")
        if self.own and not (self.reference and self.native_id):
            raise ValueError(
                "'own' finds the technical id of a record named by its own key: give 'reference' and 'native_id'"
            )
        if self.our not in (None, "reference"):
            raise ValueError("'our' knows only 'reference'")
        return self


class OutboundSpec(_Part):
    """The payload of one command in the target's own words. Dots in a target field's name nest objects."""

    operation: str
    entity: str
    """The canonical entity of the document the command makes or changes."""
    fields: Mapping[str, Annotated[OutboundNode, BeforeValidator(_as_node)]]
