"""The rule language: WHEN a record changed, IF a condition holds, THEN commands, notices and tasks.

This module is the shape of a rulebook; `rules.loading` reads files into it and checks every name and kind. A rule
addresses a role (`to: erp`), never a system: the deployment says which system plays it. `docs/reference/rules.md`
explains each key.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from rules.scope import key_of
from rules.timers import Within

EventKind = Literal["created", "changed", "deleted"]
Texts = dict[Literal["en", "zh"], str]
HUB = "hub"
"""The origin of a fact, and the writer that rules on facts act for."""
EVERY_FIELD = "*"


class Closed(BaseModel):
    """Frozen, and without any key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class About(Closed):
    """A fact or an entity, one of the two."""

    fact: str | None = None
    entity: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.fact is None) == (self.entity is None):
            raise ValueError("name a `fact` or an `entity`, one of the two")
        return self

    @property
    def subject(self) -> str:
        """The fact or entity."""
        return self.fact or self.entity or ""


class When(About):
    """Which change of which record a rule looks at.

    `fields` narrows a change to those fields; `origin` narrows it to who made it: roles of systems (`crm`), `person`,
    or `hub` for what is derived. What the hub itself wrote and reads back is never looked at.
    """

    event: tuple[EventKind, ...] = Field(min_length=1)
    fields: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()


class Related(About):
    """A record looked up: the one whose `by` (its key, where left out) equals the symbol `key`.

    Where several have the same value, the one with the smallest key is taken; where there is none, its fields are null.
    """

    key: str
    by: str | None = None

    @property
    def column(self) -> str:
        """The field of the related record that is compared."""
        return self.by or key_of(self.subject)


class CommandThen(Closed):
    """Send a command to the system that plays a role."""

    command: str
    to: str
    entity: str
    key: str
    cancel: bool = False
    after: tuple[str, ...] = ()
    """Documents that must stand first: `role/entity/key template`."""
    body: dict[str, str] = Field(default_factory=dict, alias="with")
    """Body field → symbol; empty: every field of the record."""
    values: dict[str, str] = Field(default_factory=dict)
    """Body field → constant text."""


class NotifyThen(Closed):
    """Tell people: who, and what in both languages. What is `urgent` goes out in quiet hours as well."""

    notify: str
    key: str
    text: Texts
    urgent: bool = False


class TaskThen(Closed):
    """Give somebody something to settle: a review task, open until its owner closes it."""

    task: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """What kind of task it is: `custom_order_review`."""
    owner: str
    """The audience that settles it."""
    key: str
    title: Texts
    due: Within | None = None
    """By when, in working time."""
    withdraw: bool = False
    """Nobody needs to settle it any more: an open task of this kind, owner and key is withdrawn."""


_ACTIONS = ((CommandThen, "command"), (NotifyThen, "notify"), (TaskThen, "task"))


def _action(written: object) -> str | None:
    """Which action is meant: the first key that says so, for clear faults about the rest."""
    if isinstance(written, dict):
        return next((word for word in ("command", "notify", "task") if word in written), None)
    return next((word for model, word in _ACTIONS if isinstance(written, model)), None)


Then = Annotated[
    Annotated[CommandThen, Tag("command")] | Annotated[NotifyThen, Tag("notify")] | Annotated[TaskThen, Tag("task")],
    Discriminator(
        _action, custom_error_type="no_action", custom_error_message="an action needs `command`, `notify` or `task`"
    ),
]


class Until(About):
    """Another record's change that ends a timer; `key` says, from that record, whose timer it is."""

    event: tuple[EventKind, ...] = ("created", "changed", "deleted")
    key: str
    if_: str | None = Field(default=None, alias="if")


class Rule(Closed):
    """One rule as it is written."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    why: Texts
    when: When
    related: dict[str, Related] = Field(default_factory=dict)
    if_: str | None = Field(default=None, alias="if")
    unless: str | None = None
    then: tuple[Then, ...] = ()
    priority: int = 0
    """Where several rules write one document, the one with the highest priority has the last word."""
    approve: bool | str = False
    """`true`, or a condition: the commands wait for a person's approval."""
    within: Within | None = None
    """How long the matter may stand open before `escalate` is carried out.

    A timer starts when the rule fires. It ends when the record is deleted, when a change of it leaves the rule's `if`
    false or its `unless` true, or when an `until` is met.
    """
    until: tuple[Until, ...] = ()
    escalate: tuple[Then, ...] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.then and not self.escalate:
            raise ValueError("a rule needs `then`, or `within` and `escalate`")
        if (self.within is None) != (not self.escalate):
            raise ValueError("`within` and `escalate` go together")
        if self.until and self.within is None:
            raise ValueError("`until` ends a timer: it needs `within`")
        return self


Authority = dict[str, dict[str, tuple[str, ...]]]
"""Entity → field (or `*`: every other) → who may write it: `hub`, `person` or a role."""


class Rulebook(Closed):
    """One file of rules, and what it says about authority."""

    authority: Authority = Field(default_factory=dict)
    rules: tuple[Rule, ...]
