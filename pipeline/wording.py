"""How notices read: one template for one notice, one for many, in each language an audience reads.

The number stands in every message: who gets it twice sees that it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from connectors.notify.port import Note
from pipeline.audiences import Audience, Language
from store.notice_deliveries import Errand

TEMPLATES: Mapping[str, Mapping[Language, str]] = MappingProxyType(
    {
        "one": {"zh": "通知", "en": "Notice"},
        "one_urgent": {"zh": "加急通知", "en": "Urgent notice"},
        "many": {"zh": "{count} 条通知", "en": "{count} notices"},
        "many_urgent": {"zh": "{count} 条加急通知", "en": "{count} urgent notices"},
        "rest": {
            "zh": "…… 另有 {count} 条，见看板：millstream notices list",
            "en": "… and {count} more on the board: millstream notices list",
        },
        "escalated": {"zh": "升级：{audience} 未确认。", "en": "Escalated: {audience} did not acknowledge."},
        "acknowledge": {"zh": "确认：", "en": "Acknowledge with"},
    }
)


ROOM_FOR_TITLE = 400
ROOM_A_LINE = 40
"""Bytes of a message that are not what its notices say."""


def fitting(errands: Sequence[Errand], audience: Audience, size: int) -> Sequence[Errand]:
    """Those that one message of `size` bytes tells in full: the first at least, and no more than a digest shows."""
    left = size - ROOM_FOR_TITLE
    for count, one in enumerate(errands[: audience.digest.at_most]):
        left -= sum(len(text.encode()) for text in one.notice.text.values()) + ROOM_A_LINE
        if count and left < 0:
            return errands[:count]
    return errands[: audience.digest.at_most]


def note(hub: str, name: str, audience: Audience, errands: Sequence[Errand], message: str, *, size: int) -> Note:
    """The message that carries these errands of one audience; what `size` bytes do not hold is counted."""
    shown = fitting(errands, audience, size)
    numbers = tuple(errand.number for errand in errands)
    urgent = any(errand.notice.urgent for errand in errands)
    kind = ("one" if len(errands) == 1 else "many") + ("_urgent" if urgent else "")
    said = " / ".join(_said(kind, audience.languages, count=len(errands)))
    span = f"#{numbers[0]}" if len(numbers) == 1 else f"#{numbers[0]}–#{numbers[-1]}"
    more = _rest(len(errands) - len(shown), audience)
    lines = [*_escalated(errands, audience), *_lines(shown, audience), *more, *_how(numbers, audience)]
    return Note(
        id=message,
        hub=hub,
        audience=name,
        numbers=numbers,
        title=f"【{hub} {span}】{said}",
        text="\n".join(lines),
        urgent=urgent,
    )


def _said(key: str, languages: Sequence[Language], **values: object) -> list[str]:
    return [TEMPLATES[key][language].format(**values) for language in languages]


def _lines(errands: Sequence[Errand], audience: Audience) -> list[str]:
    """What each notice says, the audience's first language first; each with its number where there are several."""
    found = []
    for errand in errands:
        texts = spoken(errand.notice.text, audience.languages)
        found += (
            texts if len(errands) == 1 else [f"#{errand.number} {texts[0]}", *(f"    {text}" for text in texts[1:])]
        )
    return found


def _rest(count: int, audience: Audience) -> list[str]:
    return _said("rest", audience.languages, count=count) if count else []


def spoken(text: Mapping[str, str], languages: Sequence[Language]) -> list[str]:
    """The text in each of the languages it has, or in whatever it has."""
    return [text[language] for language in languages if text.get(language)] or list(text.values()) or [""]


def _escalated(errands: Sequence[Errand], audience: Audience) -> list[str]:
    first = errands[0].escalated_from
    return _said("escalated", audience.languages, audience=first) if first else []


def _how(numbers: Sequence[int], audience: Audience) -> list[str]:
    """Only where something follows from nobody acknowledging."""
    if audience.escalate is None:
        return []
    command = f"millstream notices ack {' '.join(map(str, numbers))}"
    return [f"{' / '.join(_said('acknowledge', audience.languages))} {command}"]
