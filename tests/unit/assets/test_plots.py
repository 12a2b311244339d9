"""Pictures of a plan: what stands in them, and that nothing hostile gets out of them."""

from __future__ import annotations

from base64 import b64decode
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from assets.plots import ITEMS, load_plot, shortage_plot
from planning.answers import ShortLine
from store.plan_rows import LoadRow

MONDAY = date(2026, 11, 2)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(markdown: str) -> ET.Element:
    head, _, body = markdown.removesuffix(")").partition("base64,")
    assert head.endswith("(data:image/svg+xml;")
    return ET.fromstring(b64decode(body))


def words(image: ET.Element) -> list[str]:
    return [one.text or "" for one in image.iter(f"{SVG}text")]


def test_load_plot__shows_each_centre_and_week_and_what_is_too_much() -> None:
    loads = [LoadRow("WELD <1>", MONDAY, 7200, 3600), LoadRow("SAW", MONDAY + timedelta(7), 1800, 3600)]
    image = drawn(load_plot(loads))
    assert {"WELD <1>", "SAW", "200%", "50%", "11-02", "11-09"} <= set(words(image))
    assert [one.get("fill") for one in image.iter(f"{SVG}rect")].count("#e66") == 1
    assert words(drawn(load_plot([]))) == []


def test_shortage_plot__the_worst_first_and_never_before_all() -> None:
    rows = [ShortLine(f"I{at:02}", "k", 1, MONDAY, MONDAY + timedelta(at), ()) for at in range(30)]
    rows.append(ShortLine("NEVER", "k", 1, MONDAY, None, ()))
    said = words(drawn(shortage_plot(rows, {"I29": "Axle"})))
    assert said[:4] == ["NEVER ", "never", "I29 Axle", "29 d"]
    assert len(said) == 2 * ITEMS
