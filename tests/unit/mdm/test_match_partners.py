"""Splink on people: weights learnt without labels."""

import random

from mdm.block import prepare
from mdm.match_partners import blocking_keys, fields, link_partners
from mdm.profiling import profile

GIVEN = ["anna", "bruno", "carla", "dieter", "emma", "frank", "greta", "hans", "ida", "jonas", "karin", "lukas"]
SURNAMES = ["meyer", "schulz", "wagner", "becker", "hofmann", "koch", "richter", "klein", "wolf", "neumann", "braun"]
STREETS = ["linden street", "mill road", "station avenue", "church lane", "harbour drive", "park place", "oak court"]


def _people(count: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    rng = random.Random(5)
    left, right = [], []
    for k in range(count):
        person = {
            "id": f"a{k}", "given_name": rng.choice(GIVEN), "surname": rng.choice(SURNAMES),
            "address": f"{rng.randint(1, 200)} {rng.choice(STREETS)}",
            "date_of_birth": f"{rng.randint(1940, 2000)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}",
            "postcode": f"{rng.randint(10000, 10400)}",
        }  # fmt: skip
        left.append(person)
        other = person | {"id": f"b{k}"}
        field = rng.choice(["given_name", "surname", "address", "postcode"])
        right.append(other | {field: other[field][:-2] + "x"})
    return left, right


def test_link_partners__people_with_one_field_spoilt() -> None:
    left, right = _people(400)
    policy = profile(left, right, ("id", "id"))
    assert policy.matcher == "partners"
    linked = link_partners(prepare(left, policy, "left"), prepare(right, policy, "right"), policy)
    pairs = zip(linked.pairs.left.tolist(), linked.pairs.right.tolist(), linked.probability.tolist(), strict=True)
    found = {(a, b) for a, b, chance in pairs if chance > 0.5}
    truth = {(k, k) for k in range(400)}
    assert len(found & truth) / len(found) > 0.98
    assert len(found & truth) / len(truth) > 0.98
    assert linked.weights.shape == (len(linked.pairs), len(linked.names))


def test_blocking_keys__loose_ones_only_in_twos() -> None:
    left = {"city": ["x"] * 100, "sex": ["m", "f"] * 50, "code": [str(k) for k in range(100)]}
    assert ("code",) in blocking_keys(left, left)
    assert ("city",) not in blocking_keys(left, left)


def test_fields__company_gives_its_parts() -> None:
    table = [{"id": str(k), "name": "上海华鑫贸易有限公司"} for k in range(3)]
    policy = profile(table, table, ("id", "id"))
    found = fields(prepare(table, policy, "left"), policy)
    assert found["c0_core"] == ["华鑫"] * 3
    assert found["c0_region"] == ["上海"] * 3
