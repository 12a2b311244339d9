"""Strict JSON (exact decimals, no duplicate keys, no NaN) beside the standard library's `json`."""

from __future__ import annotations

import json
import random

from benchmarks.measuring import Figure, best_seconds
from canonical import strict_json

RECORDS = 50_000


def measure() -> list[Figure]:
    """Megabytes a second, reading and writing the same 50,000 order lines."""
    text = json.dumps(_order_lines(), ensure_ascii=False)
    size = len(text.encode()) / 1e6
    exact, plain = strict_json.loads(text), json.loads(text)
    return [
        Figure(
            "read 50,000 order lines (peer: json.loads)",
            ours=size / best_seconds(lambda: strict_json.loads(text)),
            peer=size / best_seconds(lambda: json.loads(text)),
            unit="MB/s",
        ),
        Figure(
            "write 50,000 order lines (peer: json.dumps)",
            ours=size / best_seconds(lambda: strict_json.dumps(exact)),
            peer=size / best_seconds(lambda: json.dumps(plain, ensure_ascii=False, sort_keys=True)),
            unit="MB/s",
        ),
    ]


def _order_lines() -> list[dict[str, object]]:
    chance = random.Random(7)
    return [
        {
            "number": f"SO-{number:06d}",
            "line": "10",
            "item": f"M-{chance.randrange(2000):05d}",
            "name": "Bearing housing 轴承座",
            "quantity": chance.randrange(1, 5000) / 8,
            "price": chance.randrange(100, 99999) / 100,
            "due": "2026-11-20",
            "urgent": number % 10 == 0,
            "note": None,
        }
        for number in range(RECORDS)
    ]
