"""Items: what a material's name and specification say, in units and words of one kind.

`M8*20`, `M8×20mm` and `M8x2cm` give the same parts. Parts are sets of exact texts, so two records can agree,
differ, or stay silent about each of them; only two values that exclude each other contradict.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from mdm.standardise.text import is_chinese, normalise, squash
from mdm.standardise.vocabulary import BRANDS, COLOURS, FINISHES, FORMS, MATERIALS, NOUNS, WORDS, compiled

Parts = Mapping[str, tuple[str, ...]]

_N = r"\d+(?:\.\d+)?"
_UNIT = r"(?:mm|cm|dm|um|m|毫米|厘米|米|in|inch|寸|\")"
_AREA = r"(?:mm2|mm²|平方毫米|平方|sq)"
_NUMBER = re.compile(_N)
_THREAD = re.compile(rf"(?<![a-z\d])m({_N})(?=\s*[x*]\s*\d|[^a-z\d.\-]|$)")
_CHAIN = re.compile(rf"{_N}\s*{_UNIT}?(?:\s*[x*]\s*{_N}\s*{_UNIT}?)+")
_AFTER_THREAD = re.compile(rf"(?<=\s)(?:\s*[x*]\s*{_N}\s*{_UNIT}?)+")
_LINK = re.compile(rf"({_N})\s*({_UNIT})?(?![\d.])")
_CORES = re.compile(rf"({_N})\s*芯\s*({_N})")
_STRENGTH = re.compile(r"(?<![\d.x*φa-z])(3\.6|4\.6|4\.8|5\.6|5\.8|6\.8|8\.8|9\.8|10\.9|12\.9)\s*级?(?![\d.x*]|mm|cm)")
_STAINLESS = re.compile(r"(?<![a-z\d])(a[1245]-\d{2})(?!\d)\s*级?")
_CLASS = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d)?)\s*级")
_OHMS = re.compile(
    rf"(?<![a-z\d.])({_N})\s*(m|k|r)?\s*(?:ω|欧姆|欧|ohms?)(?![a-z])|(?<![a-z\d.])({_N})(k|m|r)(?![a-z\d])|(?<![a-z\d.])(\d+)([rk])(\d+)(?![a-z\d])"
)
_KILO_OHMS = re.compile(rf"({_N})\s*(千|兆)欧姆?")
_FARADS = re.compile(rf"(?<![a-z\d.])({_N})\s*(p|n|u|m)f(?![a-z])")
_CHIP = re.compile(r"(?<!\d)(01005|0201|0402|0603|0805|1206|1210|1812|2010|2512)(?!\d)")
_DIELECTRIC = re.compile(r"(?<![a-z])(x7r|x5r|x6s|x7s|c0g|cog|np0|npo|y5v)(?![a-z])")
_PERCENT = re.compile(rf"(?:±|\+/-)?\s*({_N})\s*%")
_VOLTS = re.compile(rf"(?<![a-z\d.])(?:(dc|ac)\s*)?({_N})\s*(k|m)?v\s*(dc|ac)?(?![a-z])|(?:(dc|ac))\s*({_N})\s*v")
_MASS = re.compile(rf"(?<![a-z\d.])({_N})\s*(kg|g|mg|公斤|千克|克|吨|t)(?![a-z\d])")
_VOLUME = re.compile(rf"(?<![a-z\d.])({_N})\s*(ml|l|毫升|升|公升|cl)(?![a-z\d])")
_COUNTED = r"(?:只|个|件|支|双|片|条|张|包|套|粒|pcs?|pieces?|pairs?)"
_PACK = re.compile(
    rf"({_N})\s*{_COUNTED}\s*(?:/|每|装)?\s*(?:盒|包|箱|袋|box|bag|pack|carton)|(?:盒|箱|袋|包)装?\s*({_N})\s*{_COUNTED}|(?:box|pack|case) of ({_N})"
)
_LAYERS = re.compile(r"([一二两三四五六七八九\d]+)\s*层")
_SIZE = re.compile(r"(?<![a-z\d])(x{0,3}[sl]|m|xxs)\s*(?:码|号)|(?<![a-z\d.])(x{0,3}[sl]|m)(?=[\s,)]|$)")
_RAL = re.compile(r"ral[ -]*(\d{4})")
_SEAL = re.compile(r"(?<=\d)(?=(?:2rs|2rz|2z|zz|rs|rz|llu|ddu)\b)")
_CODE = re.compile(r"[a-z0-9][a-z0-9.\-/]*[a-z0-9]")
_RUNS = re.compile(rf"[a-z]+|{_N}")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_DIGITS = {c: str(i) for i, c in enumerate("零一二三四五六七八九")} | {"两": "2"}

_MILLIMETRES = {"mm": "1", "毫米": "1", "cm": "10", "厘米": "10", "dm": "100", "m": "1000", "米": "1000", "um": "0.001",
                "in": "25.4", "inch": "25.4", "寸": "25.4", '"': "25.4"}  # fmt: skip
_GRAMS = {
    "g": "1",
    "克": "1",
    "kg": "1000",
    "公斤": "1000",
    "千克": "1000",
    "mg": "0.001",
    "t": "1000000",
    "吨": "1000000",
}
_MILLILITRES = {"ml": "1", "毫升": "1", "l": "1000", "升": "1000", "公升": "1000", "cl": "10"}
_PREFIX = {"p": "1", "n": "1000", "u": "1000000", "m": "1000000000"}
_OHM_PREFIX = {"k": "1000", "千": "1000", "m": "1000000", "兆": "1000000", "r": "1", "": "1", None: "1"}
_TABLES = {
    "material": compiled(MATERIALS),
    "finish": compiled(FINISHES),
    "colour": compiled(COLOURS),
    "form": compiled(FORMS),
    "noun": compiled(NOUNS),
    "brand": compiled(BRANDS),
}

STRICT = ("thread", "strength", "class", "material", "finish", "ohms", "farads", "chip", "dielectric", "percent", "volts",
          "pack", "mass", "volume", "layers", "size", "ral", "numbers", "latin", "brand", "colour", "form", "noun")  # fmt: skip
"""Parts in which two written specifications exclude each other."""
PLAIN = ("thread", "strength", "ral", "chip", "dielectric")
"""Parts that exclude each other in running text too, where other numbers are only mentioned."""


@dataclass(frozen=True, slots=True)
class ParsedItem:
    """One item text: as it came, in one written form, its parts, its codes, and the words that remain."""

    raw: str
    text: str
    parts: Parts
    codes: frozenset[str]
    head: str
    chinese: bool


def _exact(number: Decimal | str) -> str:
    return format(Decimal(number).normalize(), "f")


def _times(number: str, factor: str) -> str:
    return _exact(Decimal(number) * Decimal(factor))


_NO_FIGURE = re.compile(r"\d{41,}")
"""So many digits in a row are no figure of a part, and each pattern below would go over them again and again."""


class _Reading:
    """A text being read: each find is taken out, so that no number is read twice."""

    def __init__(self, text: str) -> None:
        self.left = text
        self.parts: dict[str, list[str]] = {}

    def add(self, kind: str, *values: str) -> None:
        self.parts.setdefault(kind, []).extend(values)

    def take(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        found = list(pattern.finditer(self.left))
        if found:
            self.left = pattern.sub(" ", self.left)
        return found


@lru_cache(maxsize=400_000)
def parse_item(raw: str) -> ParsedItem:
    """Parse a name or specification, or both joined by a space; Chinese and English."""
    text = normalise(raw)
    reading = _Reading(_SEAL.sub(" ", _NO_FIGURE.sub(" ", text)))
    _words_of_trade(reading)
    _electrical(reading)
    _dimensions(reading)
    _packs(reading)
    latin = [run for run in _RUNS.findall(reading.left) if not run[0].isdigit()]
    numbers = [_exact(run) for run in _RUNS.findall(reading.left) if run[0].isdigit()]
    reading.add("numbers", *numbers)
    reading.add("latin", *(run for run in latin if run not in _NOISE))
    head = "".join(_CHINESE.findall(reading.left))
    for said, meant in WORDS.items():
        head = head.replace(said, meant)
    parts = {kind: tuple(sorted(values)) for kind, values in reading.parts.items() if values}
    return ParsedItem(raw, text, parts, frozenset(codes_of(text)), head, is_chinese(text))


_NOISE = frozenset(
    {
        "mm",
        "cm",
        "m",
        "d",
        "x",
        "od",
        "id",
        "pcs",
        "ral",
        "no",
        "type",
        "l",
        "plc",
        "mlcc",
        "s",
        "t",
        "the",
        "and",
        "of",
        "for",
    }
)


def _words_of_trade(reading: _Reading) -> None:
    for match in reading.take(_RAL):
        reading.add("ral", match[1])
    for match in reading.take(_STAINLESS):
        reading.add("strength", match[1])
    for kind, table in _TABLES.items():
        for entry in table:
            if not entry.may_stand_in(reading.left):
                continue
            # A form is also part of the name; it is read and stays.
            stays = kind in {"form", "noun"}
            if entry.pattern.search(reading.left) if stays else reading.take(entry.pattern):
                reading.add(kind, entry.name)


def _electrical(reading: _Reading) -> None:
    for match in reading.take(_KILO_OHMS):
        reading.add("ohms", _times(match[1], _OHM_PREFIX[match[2]]))
    for match in reading.take(_FARADS):
        reading.add("farads", _times(match[1], _PREFIX[match[2]]))
    for match in reading.take(_DIELECTRIC):
        reading.add("dielectric", {"cog": "c0g", "np0": "c0g", "npo": "c0g"}.get(match[1], match[1]))
    for match in reading.take(_PERCENT):
        reading.add("percent", _exact(match[1]))
    for match in reading.take(_VOLTS):
        scale = {"k": "1000", "m": "0.001", None: "1"}[match[3]]
        kind = match[1] or match[4] or match[5] or ""
        reading.add("volts", kind + _times(match[2] or match[6], scale))
    if re.search(r"电阻|resistor|ω|欧|ohm", reading.left):
        for match in reading.take(_OHMS):
            reading.add("ohms", _ohms(match))
    if re.search(r"电阻|电容|贴片|smd|resistor|capacitor|inductor|电感|mlcc", reading.left):
        for match in reading.take(_CHIP):
            reading.add("chip", match[1])


def _ohms(match: re.Match[str]) -> str:
    if match[5]:
        return _times(f"{match[5]}.{match[7]}", _OHM_PREFIX[match[6]])
    return _times(match[1] or match[3], _OHM_PREFIX[match[2] or match[4]])


def _dimensions(reading: _Reading) -> None:
    for match in reading.take(_CORES):
        reading.add("numbers", _exact(match[1]), _exact(match[2]))
    reading.left = re.sub(rf"(?<=\d)\s*{_AREA}", " ", reading.left)
    for match in _THREAD.finditer(reading.left):
        reading.add("thread", _exact(match[1]))
        reading.add("numbers", _exact(match[1]))
    reading.left = _THREAD.sub(" ", reading.left)
    for match in reading.take(_AFTER_THREAD):
        reading.add("numbers", *_chain(match[0]))
    for match in reading.take(_CHAIN):
        reading.add("numbers", *_chain(match[0]))
    for match in reading.take(_STRENGTH):
        reading.add("strength", match[1])
    for match in reading.take(_CLASS):
        reading.add("class", _exact(match[1]))


def _chain(text: str) -> list[str]:
    """The lengths of `300*200*15cm` in millimetres; a unit said once, at the end, is the unit of all."""
    links = _LINK.findall(text)
    said = [unit for _, unit in links if unit]
    common = said[0] if len(said) == 1 and links[-1][1] else "mm"
    return [_times(number, _MILLIMETRES[unit or common]) for number, unit in links]


def lengths_of(text: str) -> tuple[tuple[str, ...], ...]:
    """The chains of lengths of a normalised text in millimetres, each in its order: a box is long, wide and high."""
    return tuple(sorted(tuple(_chain(match[0])) for match in _CHAIN.finditer(text)))


def _packs(reading: _Reading) -> None:
    for match in reading.take(_PACK):
        reading.add("pack", _exact(match[1] or match[2] or match[3]))
    for match in reading.take(_LENGTH_OR_PHI):
        reading.add("numbers", _times(match[1], _MILLIMETRES[match[2]]))
    for match in reading.take(_MASS):
        reading.add("mass", _times(match[1], _GRAMS[match[2]]))
    for match in reading.take(_VOLUME):
        reading.add("volume", _times(match[1], _MILLILITRES[match[2]]))
    for match in reading.take(_LAYERS):
        reading.add("layers", "".join(_DIGITS.get(c, c) for c in match[1]))
    if is_chinese(reading.left):
        for match in reading.take(_SIZE):
            reading.add("size", match[1] or match[2])


_LENGTH_OR_PHI = re.compile(rf"(?<![a-z\d.])({_N})\s*(mm|cm|dm|um|m|毫米|厘米|米|寸|inch)(?![a-z\d²])")


def codes_of(text: str) -> list[str]:
    """Model and part numbers of a normalised text, squashed: a letter and a digit, or five digits and more."""
    found = []
    for token in _CODE.findall(text):
        code = squash(token)
        digits = sum(c.isdigit() for c in code)
        if len(code) >= 3 and digits and (digits < len(code) or digits >= 5):  # noqa: PLR2004
            found.append(code)
    return found


def contradictions(left: ParsedItem, right: ParsedItem) -> tuple[str, ...]:
    """Parts in which the two exclude each other; strict where one is a Chinese specification, else the plain ones."""
    kinds = STRICT if left.chinese or right.chinese else PLAIN
    return tuple(kind for kind in kinds if _excludes(kind, left.parts.get(kind, ()), right.parts.get(kind, ())))


def _excludes(kind: str, left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    if not left or not right or left == right:
        return False
    ours, theirs = Counter(left), Counter(right)
    if kind == "thread" or kind not in {"numbers", "latin", "volts"}:
        return not ours.keys() & theirs.keys()
    if kind == "volts":
        return not {value.lstrip("acd") for value in left} & {value.lstrip("acd") for value in right}
    if kind == "latin":
        return "".join(left) != "".join(right) and bool(ours - theirs) and bool(theirs - ours)
    return bool(ours - theirs) and bool(theirs - ours)


def agreements(left: ParsedItem, right: ParsedItem) -> int:
    """How many parts both state with the same values."""
    return sum(1 for kind, values in left.parts.items() if right.parts.get(kind) == values)
