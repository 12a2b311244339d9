"""Whom notices reach, and how, as a deployment chooses it: audiences, their channels, their hours of quiet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from canonical.strict_yaml import suggest
from connectors.notify.spec import ChannelSpec

Language = Literal["zh", "en"]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _clock(text: object) -> object:
    """`22:00`, and nothing that only looks like a time."""
    try:
        return datetime.strptime(str(text), "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise ValueError(f"{text!r} is no time of day: write 22:00") from None


Clock = Annotated[time, BeforeValidator(_clock)]


class QuietHours(_Closed):
    """Plant time; what is not urgent waits for `end`. They may pass midnight."""

    begin: Clock
    end: Clock

    def until(self, moment: datetime, timezone: str) -> datetime | None:
        """When the quiet that holds at `moment` ends, as UTC; None where there is none."""
        local = moment.astimezone(ZoneInfo(timezone))
        clock = local.time()
        over_midnight = self.begin > self.end
        quiet = clock >= self.begin or clock < self.end if over_midnight else self.begin <= clock < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and clock >= self.begin else 0)
        # Where the hour comes twice, the quiet ends with the second.
        return datetime.combine(day, self.end, ZoneInfo(timezone)).replace(fold=1).astimezone(UTC)


class Digest(_Closed):
    """So many notices that wait together go as one message."""

    at_least: int = Field(default=3, ge=2)
    at_most: int = Field(default=30, ge=2, le=200)
    """So many a message tells in full, or as many as the channel's message holds."""
    rest: Literal["counted", "sent"] = "counted"
    """What waits beyond them: counted in the same message and read on the board, or sent in messages of its own.

    What is urgent, or is escalated unless acknowledged, is always sent.
    """
    wait_minutes: int = Field(default=0, ge=0, le=1440)
    """How long what is not urgent waits for others to go with it."""


class Escalation(_Closed):
    """Who is told when nobody acknowledged in time, or when no channel could tell the first."""

    to: str
    after_minutes: int = Field(gt=0)
    urgent_only: bool = False


class Audience(_Closed):
    """One group of people: its channels in the order they are tried."""

    channels: tuple[str, ...] = Field(min_length=1)
    languages: tuple[Language, ...] = Field(default=("zh", "en"), min_length=1)
    quiet: QuietHours | None = None
    digest: Digest = Digest()
    escalate: Escalation | None = None


class Notifications(_Closed):
    """All of it. Without any audience notices stay on the board."""

    channels: dict[str, ChannelSpec] = Field(default_factory=dict)
    audiences: dict[str, Audience] = Field(default_factory=dict)
    forget_after_hours: int = Field(default=72, gt=0)
    """What is older is not told any more: nobody wants the whole board when channels are first set up."""

    @model_validator(mode="after")
    def _names_stand(self) -> Self:
        for name, audience in self.audiences.items():
            for channel in audience.channels:
                _known(f"audience {name}: channel", channel, self.channels)
            if audience.escalate is not None:
                _known(f"audience {name}: escalation to", audience.escalate.to, self.audiences)
                self._ends(name)
        return self

    def _ends(self, name: str) -> None:
        """A chain of escalations that comes back would tell the same people in circles."""
        seen: list[str] = []
        here: str | None = name
        while here is not None:
            if here in seen:
                raise ValueError(f"escalation goes in a circle: {' → '.join([*seen, here])}")
            seen.append(here)
            audience = self.audiences.get(here)
            here = audience.escalate.to if audience and audience.escalate else None


def _known(what: str, name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise ValueError(f"{what} {name!r} is not known. {suggest(name, known) or ''}".strip())
