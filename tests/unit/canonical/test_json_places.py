from __future__ import annotations

import pytest

from canonical.errors import ConfigurationError
from canonical.json_places import parse

TEXT = """{
\t"items": {"螺栓": {"on_hand": 1.50}},
  "rows": [ 7,
    {"a\\"b": [true, null]}, "x,]}" ]
}"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("items",), (2, 2)),
        (("items", "螺栓", "on_hand"), (2, 19)),
        (("rows", 0), (3, 13)),
        (("rows", 1, 'a"b', 1), (4, 21)),
        (("rows", 2), (4, 29)),
    ],
)
def test_parse__keys_and_elements_stand_where_they_begin(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    document = parse(TEXT, "f")
    assert document.places[path] == place
    assert document.fault((*path, "none"), "").line == place[0]


def test_parse__numbers_stay_exact() -> None:
    assert str(parse(TEXT, "f").values["items"]["螺栓"]["on_hand"]) == "1.50"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('{"a": 1,\n  "a": 2}', (2, 3), "'a' stands twice"),
        ('{"a": [1,\n NaN]}', (2, 2), "NaN is not a number"),
        ('{"a": 1e999}', (1, 7), "1e999 is out of range"),
        ('{"a": 1,\n}', (2, 1), "not JSON"),
        ("", (1, 1), "not JSON"),
        ("[" * 100_000, (1, 1), "nested too deep"),
        ("[" * 900 + "]" * 900, (1, 1), "nested too deep"),
    ],
)
def test_parse__what_is_no_json_is_refused_at_its_place(text: str, place: tuple[int, int], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        parse(text, "case.json")
    (fault,) = raised.value.faults
    assert (fault.file, fault.line, fault.column) == ("case.json", *place)
