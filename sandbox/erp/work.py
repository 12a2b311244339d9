"""The ERP between two passes: nobody works in it on their own, it waits for the other systems."""

from __future__ import annotations

from typing import Any

from sandbox.common.state import SystemState


def work(state: SystemState, round_number: int) -> dict[str, Any]:
    """Nothing happens in the ERP by itself; what the shop floor finished reaches it only through a client."""
    del state, round_number
    return {}
