from __future__ import annotations

from pathlib import Path

import pytest

from canonical.entities import ENTITIES
from canonical.errors import ConfigurationError
from quality.patterns import pattern_fault
from quality.spec import load_rulebook, load_rulebooks


def fault(tmp_path: Path, *rules: str, entity: str = "item") -> str:
    path = tmp_path / "x.yaml"
    path.write_text("\n".join([f"entity: {entity}", "rules:", *(f"  - {rule}" for rule in rules)]), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(path)
    return str(caught.value).replace(str(path), "x")


def test_load_rulebooks__one_for_every_entity() -> None:
    books = load_rulebooks()
    assert set(books) == set(ENTITIES)
    assert all(books[name].entity == name for name in books)
    assert books["bom_line"].needs() == {"item"}


def test_of_scope__splits_a_rulebook_in_two() -> None:
    book = load_rulebooks()["item"]
    assert {*book.of_scope("row").rules, *book.of_scope("dataset").rules} == set(book.rules)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{name: a, kind: not_null, fields: nmae}", "x:3:31 item has no field 'nmae'. Did you mean 'name'?"),
        ("{name: a, kind: positive, fields: name}", "positive judges int or Decimal, but name is str"),
        ("{name: a, kind: matches, fields: name, pattern: '(a+)+'}", "may repeat a single character or class only"),
        ("{name: a, kind: matches, fields: name}", "matches needs 'pattern'"),
        ("{name: a, kind: between, fields: lead_time_days}", "between needs 'min' or 'max'"),
        ("{name: a, kind: not_null, fields: [name, unit]}", "not_null takes 1 fields"),
        ("{name: a, kind: unique, fields: code, scope: row}", "its scope is dataset"),
        ("{name: a, kind: not_null, fields: code, blocking: true}", "only a dataset rule can be blocking"),
        ("{name: a, kind: exists_in, fields: code, references: itm}", "unknown entity 'itm'. Did you mean 'item'?"),
        (
            "{name: a, kind: reference_unmarked, fields: code, references: item, mark: obsolet}",
            "'obsolet' is no mark of item. Did you mean 'obsolete'?",
        ),
        ("{name: a, kind: between, fields: safety_stock, min: '0.0000000001'}", "cannot be compared exactly"),
        ("{name: a, kind: between, fields: safety_stock, max: '1e300'}", "cannot be compared exactly"),
        ("{name: a, kind: between, fields: safety_stock, max: '5000000.1'}", "cannot be compared exactly"),
        ("{name: a, kind: not_nul, fields: code}", "Input should be 'not_null'"),
        ("{name: a, kind: not_null, field: code}", "unknown key 'field'. Did you mean 'fields'?"),
    ],
)
def test_load_rulebook__faults_are_placed(tmp_path: Path, rule: str, expected: str) -> None:
    message = fault(tmp_path, rule)
    assert expected in message
    assert message.startswith("x:3:")


def test_load_rulebook__names_stand_once(tmp_path: Path) -> None:
    rule = "{name: a, kind: not_null, fields: code}"
    assert "x:4:5 rule 'a' stands twice" in fault(tmp_path, rule, rule).replace("x:4:6", "x:4:5")


def test_load_rulebook__unknown_entity(tmp_path: Path) -> None:
    assert "unknown entity 'itm'" in fault(tmp_path, "{name: a, kind: not_null, fields: code}", entity="itm")


@pytest.mark.parametrize("pattern", ["DW-[0-9]{6}", "[^ @]+@[^ @]+[.][a-z]{2,}", "(?:ab|cd)?x", r"a\.b", "叉车[0-9]*"])
def test_pattern_fault__safe_patterns_pass(pattern: str) -> None:
    assert pattern_fault(pattern) is None


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|b)*", "a**", r"\d+", "(?=a)", "a$", "^a", "[", "(", r"\1", "x" * 300, "(a){2,}", "a{5,2}"]
)
def test_pattern_fault__others_are_refused(pattern: str) -> None:
    assert pattern_fault(pattern) is not None
