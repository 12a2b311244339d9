"""The shape of an option model's YAML file; `pipeline.option_models` compiles it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Texts = dict[Literal["en", "zh"], str]
MOST_VALUES = 10_000
NAME = r"^[a-z][a-z0-9_]*$"


class Closed(BaseModel):
    """Frozen, and without any key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class OptionSpec(Closed):
    """One option: a list of `values`, a span of numbers (`from`, `to`, `step`), or `type: yes_no`."""

    type: Literal["text", "number", "yes_no"] = "text"
    values: tuple[str, ...] = ()
    first: Decimal | None = Field(default=None, alias="from")
    last: Decimal | None = Field(default=None, alias="to")
    step: Decimal | None = Field(default=None, gt=0)
    default: str | bool | None = None
    optional: bool = False
    when: str | None = None
    title: Texts = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_domain(self) -> Self:
        span = [self.first is not None, self.last is not None, self.step is not None]
        if self.type == "yes_no":
            if self.values or any(span):
                raise ValueError("a yes_no option has no values to list")
        elif bool(self.values) == any(span):
            raise ValueError("list `values`, or give `from`, `to` and `step`")
        elif any(span):
            self._check_span(span)
        return self

    def _check_span(self, span: list[bool]) -> None:
        if self.type != "number":
            raise ValueError("`from`, `to` and `step` belong to `type: number`")
        if not all(span):
            raise ValueError("a span needs `from`, `to` and `step`")
        assert self.first is not None
        assert self.last is not None
        assert self.step is not None
        if self.first > self.last:
            raise ValueError("`from` is above `to`")
        if (self.last - self.first) / self.step >= MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES} values: take a larger `step`")


class CaseSpec(Closed):
    """One case of a computed value; without `when` it always holds."""

    when: str | None = None
    value: str


def _as_cases(given: object) -> object:
    """`stages: 2 * x` is short for one case."""
    return [{"value": given}] if isinstance(given, str) else given


class ConstraintSpec(Closed):
    """What has to hold: `holds`, or `requires` where `when` holds, or not all of `excludes` together."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    holds: str | None = None
    when: str | None = None
    requires: str | None = None
    excludes: tuple[str, ...] = ()
    why: Texts

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.when is None) != (self.requires is None):
            raise ValueError("`when` and `requires` go together")
        if sum((self.holds is not None, self.requires is not None, bool(self.excludes))) != 1:
            raise ValueError("write `holds`, or `when` and `requires`, or `excludes`")
        if self.excludes and len(self.excludes) < 2:  # noqa: PLR2004 - what one condition excludes, `holds` says better
            raise ValueError("`excludes` names at least two conditions")
        return self

    @property
    def parts(self) -> list[tuple[str, tuple[str | int, ...]]]:
        """The conditions it is made of, each with its place below the constraint."""
        if self.excludes:
            return [(part, ("excludes", number)) for number, part in enumerate(self.excludes)]
        named = {"holds": self.holds, "when": self.when, "requires": self.requires}
        return [(text, (word,)) for word, text in named.items() if text is not None]

    @property
    def text(self) -> str:
        """The constraint as one condition."""
        if self.holds is not None:
            return self.holds
        if self.requires is not None:
            return f"not ({self.when}) or ({self.requires})"
        return f"not ({' and '.join(f'({part})' for part in self.excludes)})"


class LineSpec(Closed):
    """One line of the 150 % BOM: `quantity` is a formula."""

    item: str
    quantity: str = "1"
    when: str | None = None
    scrap_rate: Decimal = Field(default=Decimal(0), ge=0, lt=1)
    operation: int | None = None
    slot: str | None = None


class OperationSpec(Closed):
    """One step of the 150 % routing; times are formulas, in minutes."""

    sequence: int = Field(ge=1)
    work_centre: str
    setup_minutes: str = "0"
    run_minutes: str = "0"
    when: str | None = None
    name: str | None = None


class TemplateSpec(Closed):
    """One configurable item."""

    bom: tuple[LineSpec, ...] = Field(min_length=1)
    routing: tuple[OperationSpec, ...] = ()
    lead_time_days: str | None = None


class ModelSpec(Closed):
    """One product's options, constraints and structure. Items and work centres are named by code."""

    item: str
    options: dict[Annotated[str, Field(pattern=NAME)], OptionSpec] = Field(min_length=1)
    computed: dict[Annotated[str, Field(pattern=NAME)], Annotated[tuple[CaseSpec, ...], BeforeValidator(_as_cases)]] = (
        Field(default_factory=dict)
    )
    constraints: tuple[ConstraintSpec, ...] = ()
    structure: dict[str, TemplateSpec] = Field(min_length=1)
