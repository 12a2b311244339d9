"""What a channel to people takes and gives: a note out, and one of four outcomes back.

Delivery is at least once. A note bears the numbers of its notices, the same at each attempt, so that
a person (or a program behind a webhook) who gets it twice sees that it is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What became of one attempt, and so what happens next."""

    DELIVERED = "delivered"
    """The channel took it."""
    REFUSED = "refused"
    """The channel will never take it: the next channel is tried."""
    LATER = "later"
    """Surely not taken, for a passing reason: too many messages, or out of reach."""
    UNKNOWN = "unknown"
    """Perhaps taken: it is sent again with the same number."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, what the channel said about it, and the seconds it asks us to wait."""

    outcome: Outcome
    said: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """One message to one audience, carrying the notices numbered `numbers`.

    `id` is the same at each attempt. `title` is one line with the numbers, `text` what the notices say.
    """

    id: str
    hub: str
    audience: str
    numbers: tuple[int, ...]
    title: str
    text: str
    urgent: bool = False

    @property
    def whole(self) -> str:
        """Title and text, for channels that have no place for a title."""
        return f"{self.title}\n{self.text}"

    @property
    def number(self) -> str:
        """`#7`, or `#7–#12` for several."""
        first, last = self.numbers[0], self.numbers[-1]
        return f"#{first}" if first == last else f"#{first}–#{last}"


class Channel(Protocol):
    """One destination: a chat group, a mailbox, a list of telephones, a program."""

    text_bytes: int
    """So many bytes of UTF-8 one message holds."""

    def send(self, note: Note, now: datetime) -> Answer:
        """Try once; what goes wrong is an outcome, never an exception."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def shortened(text: str, size: int) -> str:
    """The text itself, or its beginning with `…` where it has more than `size` bytes of UTF-8."""
    encoded = text.encode()
    if len(encoded) <= size:
        return text
    return encoded[: size - len("…".encode())].decode(errors="ignore") + "…"
