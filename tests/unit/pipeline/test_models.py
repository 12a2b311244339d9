"""Which verdicts a plant's model learns from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from canonical.stewardship import Decision, SourceRef
from pipeline.models import taught

NOON = datetime(2026, 11, 2, tzinfo=UTC)


def verdict(number: int, pair: int, *, same: bool = True) -> Decision:
    one, other = SourceRef("crm", f"{pair:04d}"), SourceRef("erp", f"{pair:04d}")
    if same:
        return Decision(number, "item", "same", (one, other), "person:li.wei", NOON)
    return Decision(number, "item", "different", (one,), "person:li.wei", NOON, "", (other,))


@pytest.mark.parametrize(
    ("given", "learnt"), [(0, 0), (1, 1), (19, 19), (23, 20), (50, 50), (199, 195), (249, 200), (1999, 1950)]
)
def test_taught__each_of_the_first_then_in_steps(given: int, learnt: int) -> None:
    assert len(taught([verdict(number, number) for number in range(given)])) == learnt


def test_taught__the_first_verdicts_and_the_last_word_on_each() -> None:
    given = [verdict(number, number) for number in range(22)]
    assert list(taught(given)) == list(taught(given[:20]))
    corrected = taught([*given, verdict(40, 3, same=False)])
    pair = (SourceRef("crm", "0003"), SourceRef("erp", "0003"))
    assert (taught(given)[pair], corrected[pair]) == (True, False)


def test_taught__taken_back_is_as_never_said() -> None:
    given = [verdict(number, number) for number in range(22)]
    assert taught(given[:-1]) == taught(given)
    assert list(taught(given[1:])) == list(taught(given[1:21]))
