"""A note like those the hub sends."""

from __future__ import annotations

from typing import Any

from connectors.notify.port import Note


def note(**changes: Any) -> Note:
    given: dict[str, Any] = {
        "id": "plant/production_supervisor/7", "hub": "plant", "audience": "production_supervisor", "numbers": (7,),
        "title": "【plant #7】加急通知 / Urgent notice", "urgent": True,
        "text": "订单 SO-1 已加急，交期 2026-11-09。\nOrder SO-1 is urgent, wanted on 2026-11-09.",
    }  # fmt: skip
    return Note(**{**given, **changes})
