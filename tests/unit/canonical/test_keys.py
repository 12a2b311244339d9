from __future__ import annotations

from canonical.keys import join_key


def test_join_key__one_part_stays_as_references_name_it() -> None:
    assert join_key(("SO|26\\1",)) == "SO|26\\1"


def test_join_key__many_parts_stay_apart() -> None:
    assert join_key(("a|b", "c")) != join_key(("a", "b|c"))
