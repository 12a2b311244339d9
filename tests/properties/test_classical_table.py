"""The classical table, written once more as textbooks draw it: bucket after bucket, item after item, in fractions."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.json_places import parse
from planning.cases.running import form_of, run_case

LAW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
Case = dict[str, Any]


def lots_of(net: Fraction, lot: Case) -> list[Fraction]:
    step, least, most = (Fraction(lot.get(name, 0)) for name in ("multiple", "min", "max"))
    step = Fraction(lot["qty"]) if lot["rule"] in {"FOQ", "EOQ"} else step
    sized = []
    most = most // step * step if step else most
    while most and net > most:
        sized.append(most)
        net -= most
    last = max(net, least)
    return [*sized, Fraction(ceil(last / step)) * step if step else last]


def table(case: Case) -> dict[str, dict[str, dict[str, Fraction]]]:
    """Receipts, releases and stock at the end of each bucket; `bom` has parents before what they are made of."""
    last, items = case["buckets"], case["items"]
    gross = {code: {b: Fraction(0) for b in range(1, last + 1)} for code in items}
    for code, row in case["gross"].items():
        for bucket, quantity in row.items():
            gross[code][int(bucket)] += quantity
    answer = {}
    for code, item in items.items():
        phantom = item.get("phantom", False)
        lead = 0 if phantom else item["lead_time"] + item["safety_time"]
        stock, safety = Fraction(item["on_hand"]), Fraction(item["safety_stock"])
        kept = 1 - Fraction(item["scrap_pct"], 100)
        scheduled = {
            b: sum(r["qty"] for r in case["receipts"] if (r["item"], r["bucket"]) == (code, b)) for b in gross[code]
        }
        rows: dict[str, dict[str, Fraction]] = {"receipts": {}, "releases": {}, "on_hand_end": {}}
        for bucket in range(1, last + 1):
            stock += scheduled[bucket] - gross[code][bucket]
            window = range(bucket + 1, min(last, bucket + item["lot"].get("periods", 1) - 1) + 1)
            ahead = [stock]
            for later in window if item["lot"]["rule"] == "POQ" else ():
                ahead.append(ahead[-1] + scheduled[later] - gross[code][later])
            if stock < safety:
                started = sum(lots_of((safety - min(ahead)) / kept, item["lot"]), Fraction(0))
                stock += started * kept
                if not phantom:
                    rows["receipts"][str(bucket)] = started
                    when = str(bucket - lead) if bucket > lead else "past_due"
                    rows["releases"][when] = rows["releases"].get(when, Fraction(0)) + started
                for line in case["bom"]:
                    if line["parent"] == code:
                        gross[line["component"]][max(bucket - lead, 1)] += started * Fraction(line["qty"])
            rows["on_hand_end"][str(bucket)] = stock
        answer[code] = rows
    return answer


def lot(chance: random.Random) -> Case:
    return chance.choice(
        (
            {"rule": "L4L"}, {"rule": "FOQ", "qty": chance.choice((7, 50))}, {"rule": "EOQ", "qty": 32},
            {"rule": "POQ", "periods": chance.randint(1, 4)}, {"rule": "MINMAX", "min": 20, "multiple": 3},
            {"rule": "MINMAX", "min": 15, "max": 40}, {"rule": "MULTIPLE", "multiple": 12},
        )
    )  # fmt: skip


def case(chance: random.Random) -> Case:
    last, codes = chance.randint(1, 9), list("ABCDE")[: chance.randint(1, 5)]
    items: dict[str, Case] = {}
    bom: list[Case] = []
    for n, code in enumerate(codes):
        items[code] = {
            "on_hand": chance.choice((0, 10, 55)), "safety_stock": chance.choice((0, 0, 20)),
            "lead_time": chance.randint(0, 4), "safety_time": chance.choice((0, 0, 1)),
            "scrap_pct": chance.choice((0, 0, 20, 50)), "lot": lot(chance),
        }  # fmt: skip
        if 0 < n < len(codes) - 1 and chance.random() < 0.2:
            items[code] |= {"phantom": True, "safety_stock": 0, "scrap_pct": 0, "lot": {"rule": "L4L"}}
        above = [parent for parent in codes[:n] if chance.random() < 0.5]
        bom += [{"parent": parent, "component": code, "qty": chance.choice((1, 2, 0.5))} for parent in above]
    phantoms = [code for code in codes if items[code].get("phantom")]
    bom += [{"parent": code, "component": codes[-1], "qty": 1} for code in phantoms]
    return {
        "kind": "mrp_table", "buckets": last, "items": items, "bom": bom,
        "gross": {
            code: {str(b): chance.randint(0, 90) for b in range(1, last + 1) if chance.random() < 0.6}
            for code in codes if code == "A" or chance.random() < 0.3
        },
        "receipts": [
            {"item": chance.choice(codes), "bucket": chance.randint(1, last), "qty": chance.randint(1, 80)}
            for _ in range(chance.randint(0, 3))
        ],
        "expected": {code: {"on_hand_end": {}} for code in codes},
    }  # fmt: skip


@LAW
@given(st.integers(0, 2**40).map(random.Random))
def test_run_case__tables_come_out_as_bucket_after_bucket(chance: random.Random) -> None:
    asked = case(chance)
    document = parse(json.dumps(asked), "case.json").values
    found, wanted = run_case(form_of(document).model_validate(document)), table(asked)
    assert isinstance(found, dict)
    for code in asked["items"]:
        for line, row in wanted[code].items():
            assert found[code][line] == {bucket: float(quantity) for bucket, quantity in row.items()}, (code, line)
