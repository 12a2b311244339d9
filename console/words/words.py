"""Every sentence the command line says, in English and Chinese: one place, so that none is forgotten in either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from console.words import phrases
from console.words.terms import TERMS
from console.words.translation import translated

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_NARROWER = {"attribute": ("field",)}
"""Kind → the kinds whose words it shares: an attribute of a golden record is a field."""
_NAMES = ("MILLSTREAM_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    language: Language

    def say(self, key: str, /, **values: object) -> str:
        """The sentence under `key`, filled in; raises `KeyError` for a sentence nobody wrote."""
        return phrases.PHRASES[key][LANGUAGES.index(self.language)].format(**values)

    def term(self, word: str, kind: str = "") -> str:
        """A word of the hub's own, such as a state: Chinese where the reader's language is, else as code writes it."""
        if self.language != "zh":
            return word
        kinds = (kind, *_NARROWER.get(kind, ()))
        return next((TERMS[key] for key in (*(f"{one}.{word}" for one in kinds), word) if key in TERMS), word)

    def shown(self, word: object, kind: str = "") -> str:
        """The same word on a page, where nobody types it: without the code's underscores."""
        return self.term(str(word), kind).replace("_", " ")

    def told(self, text: str) -> str:
        """What a room below said, in the reader's language as far as it is known."""
        return (translated(text) if self.language == "zh" else None) or text

    def act(self, action: str) -> str:
        """An act of the audit trail, as people call it."""
        key = f"audited.{action}"
        return self.say(key) if self.knows(key) else self.shown(action)

    def why(self, reason: str | None) -> str:
        """Why a command stands where it stands: reasons of ours as sentences, what a system said as it said it."""
        key = f"held.{reason}"
        return self.say(key) if self.knows(key) else self.told(reason or "")

    def knows(self, key: str) -> bool:
        """Whether there is a sentence under `key`."""
        return key in phrases.PHRASES


def language_of(environ: Mapping[str, str]) -> Language:
    """The language a person's environment asks for; English where it asks for neither."""
    wanted = next((environ[name] for name in _NAMES if environ.get(name)), "")
    return "zh" if wanted.lower().startswith("zh") else "en"
