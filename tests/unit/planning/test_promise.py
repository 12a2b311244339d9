from __future__ import annotations

from planning.promise.atp import discrete_atp


def test_discrete_atp__a_negative_bucket_is_taken_from_earlier_ones() -> None:
    answer = discrete_atp(56, [30, 35, 0, 24, 0, 25, 44, 28], [41, 19, 39, 11, 25, 20, 10, 0])
    assert answer.raw == (45, -23, 0, -12, 0, 5, 34, 28)
    assert answer.look_back == (10, 0, 0, 0, 0, 5, 34, 28)
    assert answer.cumulative == (10, 10, 10, 10, 10, 15, 49, 77)


def test_discrete_atp__what_nothing_covers_stays_negative() -> None:
    assert discrete_atp(1, [0, 0], [2, 3]).look_back == (-4, 0)
