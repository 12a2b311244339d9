"""Judging one pair at a time, with a pinned model: what the stream, the match API and the stewards' pages go by.

A model is a few named weights in versioned JSON: a pair's score depends on the two records and the model alone, so it
is the same today, tomorrow and in any order of arrival, and every part of it can be shown. What excludes each other
vetoes, whatever the score. `mdm.learning` makes a new version of a model from stewards' decisions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.fuzz import token_set_ratio

from canonical.entities import ENTITIES
from canonical.errors import ConfigurationError
from mdm.block import tokens
from mdm.standardise.items import ParsedItem, agreements, contradictions, parse_item
from mdm.standardise.partners import ParsedPartner, parse_partner, partner_contradictions
from mdm.standardise.people import digits
from mdm.standardise.text import normalise, squash

MODELS = Path(__file__).parent / "models"
Attributes = Mapping[str, str | None]
_FAR = 30.0
_MODEL = re.compile(r"[a-z]{2,}\d")
"""A type's name: `cbne30fr`, not a size such as `m8x20`."""


class Model(BaseModel):
    """Weights in log-odds by feature, and the bands they lead to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    version: str
    weights: dict[str, float]
    start: float
    """The log-odds of a pair of which nothing is known."""
    auto: float = Field(default=0.998, gt=0.5, le=1)
    """Posterior from which a pair may merge without a steward."""
    review: float = Field(default=0.25, gt=0, lt=1)
    """Posterior from which a pair is worth a steward's time."""
    decisions: int = 0
    """Stewards' decisions it has learnt from."""
    auto_after: int = 0
    """Nothing merges by itself before so many decisions."""

    @property
    def may_merge(self) -> bool:
        """Whether it has learnt enough to merge by itself."""
        return self.decisions >= self.auto_after


def load_model(entity: str, path: Path | None = None) -> Model:
    """A pinned model; without a path the one that was shipped. Raises `ConfigurationError`."""
    file = path or MODELS / f"{entity}.json"
    try:
        return Model.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file} is no model: {error}") from None


def dump_model(model: Model) -> str:
    """A model as it is pinned: keys sorted, one weight a line."""
    return json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True, slots=True)
class Profile:
    """A record made ready to be compared: what it says, parsed once."""

    said: Mapping[str, str]
    """Normalised text by attribute; what was not said is missing."""
    words: frozenset[str]
    text: str
    flat: str
    identity: frozenset[tuple[str, str]]
    item: ParsedItem | None = None
    partner: ParsedPartner | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One feature of a pair, its value, and what it adds to the log-odds."""

    feature: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What a model says about a pair."""

    posterior: float
    parts: tuple[Part, ...]
    """The start first, then the features by weight."""
    vetoes: tuple[str, ...]


def profile_of(entity: str, attributes: Attributes, *, keep: bool = True) -> Profile:
    """Parse a record's attributes; `keep`: it is remembered for the next time the same is read."""
    said = tuple((name, value) for name, value in attributes.items() if value)
    return _kept_profile(entity, said) if keep else _profile(entity, said, keep=False)


def _profile(entity: str, attributes: tuple[tuple[str, str], ...], *, keep: bool = True) -> Profile:
    said = {name: normalise(value) for name, value in attributes if value.strip()}
    identity = frozenset((name, squash(said[name])) for name in ENTITIES[entity].identity if name in said)
    if entity == "partner":
        reader = parse_partner if keep else parse_partner.__wrapped__
        text = said.get("name", "")
        return Profile(said, frozenset(tokens(text)), text, squash(text), identity, partner=reader(text))
    text = " ".join(said[name] for name in ("name", "specification") if name in said)
    reading = parse_item if keep else parse_item.__wrapped__
    return Profile(said, frozenset(tokens(text)), text, squash(text), identity, item=reading(text))


_kept_profile = lru_cache(maxsize=100_000)(_profile)


def judge(model: Model, left: Profile, right: Profile) -> Judged:
    """Posterior that two records are one thing, part by part."""
    features = features_of(model.entity, left, right)
    parts = [Part(name, value, model.weights.get(name, 0.0) * value) for name, value in features.items()]
    odds = model.start + sum(part.weight for part in parts)
    found = vetoes(left, right)
    posterior = 0.0 if found else 1 / (1 + math.exp(-max(-_FAR, min(_FAR, odds))))
    ordered = sorted((part for part in parts if part.weight), key=lambda part: (-abs(part.weight), part.feature))
    return Judged(posterior, (Part("start", 1.0, model.start), *ordered), found)


def worth_a_look(model: Model, left: Profile, right: Profile) -> Judged | None:
    """What the model says about a pair nothing excludes and that is likely enough for a steward; None of any other.

    Whether two records exclude each other is found out ten times as fast as how alike they are.
    """
    if vetoes(left, right):
        return None
    judged = judge(model, left, right)
    return judged if judged.posterior >= model.review else None


def vetoes(left: Profile, right: Profile) -> tuple[str, ...]:
    """Where two records exclude each other: identity values that differ, and parts that contradict."""
    ours, theirs = dict(left.identity), dict(right.identity)
    found = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    if left.item is not None and right.item is not None:
        found += contradictions(left.item, right.item)
    if left.partner is not None and right.partner is not None and left.text and right.text:
        found += partner_contradictions(left.partner, right.partner)
    return tuple(found)


def features_of(entity: str, left: Profile, right: Profile) -> dict[str, float]:
    """Features by name, each about 0 where nothing was said, positive for and negative against."""
    found = _common(left, right)
    if left.item is not None and right.item is not None:
        found |= _of_items(left.item, right.item)
    if left.partner is not None and right.partner is not None:
        found |= _of_partners(left.partner, right.partner)
    for name, spell in _EQUAL[entity].items():
        ours, theirs = spell(left.said.get(name, "")), spell(right.said.get(name, ""))
        found[f"{name}:same"] = float(bool(ours) and ours == theirs)
        found[f"{name}:differs"] = float(bool(ours) and bool(theirs) and ours != theirs)
    return found


def _city(text: str) -> str:
    return text.removesuffix("市").removesuffix(" city")


_EQUAL: Mapping[str, Mapping[str, Callable[[str], str]]] = {
    "item": {"unit": squash, "drawing_number": squash},
    "partner": {"phone": lambda text: digits(text)[-8:], "city": _city, "tax_number": squash},
}


def _common(left: Profile, right: Profile) -> dict[str, float]:
    if not left.text or not right.text:
        return {"name:words": 0.0, "name:alike": 0.0, "name:held": 0.0, "name:same": 0.0}
    both = len(left.words & right.words) / max(1, len(left.words | right.words))
    return {
        "name:words": both - 0.5,
        "name:alike": JaroWinkler.similarity(left.flat[:80], right.flat[:80]) - 0.8,
        "name:held": token_set_ratio(left.text, right.text) / 100 - 0.8,
        "name:same": float(left.flat == right.flat),
    }


def _of_items(left: ParsedItem, right: ParsedItem) -> dict[str, float]:
    shared = left.codes & right.codes
    ours, theirs = ({code for code in one.codes if _MODEL.match(code)} for one in (left, right))
    numbers = _shared(left.parts.get("numbers", ()), right.parts.get("numbers", ()))
    head = JaroWinkler.similarity(left.head, right.head) - 0.7 if left.head and right.head else 0.0
    return {
        "code:shared": max((min(1.0, len(code) / 8) for code in shared), default=0.0),
        "code:missed": float(bool(ours) and bool(theirs) and not ours & theirs),
        "spec:agreed": min(4, agreements(left, right)) / 4,
        "spec:figures": numbers,
        "spec:unsaid": len(set(left.parts) ^ set(right.parts)) / 4,
        "head:alike": head,
    }


def _of_partners(left: ParsedPartner, right: ParsedPartner) -> dict[str, float]:
    if not left.text or not right.text:
        return {}
    core = JaroWinkler.similarity(left.core, right.core) - 0.8
    return {
        "core:same": float(left.core == right.core),
        "core:alike": core,
        "trade:same": float(bool(left.trade) and left.trade == right.trade),
        "trade:differs": float(left.trade != right.trade),
        "region:same": float(bool(left.region) and left.region == right.region),
        "region:unsaid": float(bool(left.region) != bool(right.region)),
        "branch:same": float(bool(left.branch) and left.branch == right.branch),
    }


def _shared(left: Sequence[str], right: Sequence[str]) -> float:
    if not left or not right:
        return 0.0
    ours, theirs = set(left), set(right)
    return len(ours & theirs) / len(ours | theirs) - 0.5
