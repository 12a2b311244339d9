"""The detector behind class B: reads back what was written, and reports every reference that stands more than once.

A target that can only be looked up cannot promise "once" against a sender that was stopped between its look and
its write. So each pass looks again at what the hub wrote since the last time, once the target has had time to
finish late commits, and at every double that still stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from canonical.commands import DeliveryClass
from canonical.errors import MillstreamError
from connectors.port import Connector, FoundDocument, OperationSpec
from pipeline.hub import Hub
from store import doubles
from store.connections import ConnectionState
from store.doubles import Double


def find_doubles(hub: Hub, systems: Iterable[str] | None = None) -> list[Double]:
    """Read back what each live system was given; stores and returns the doubles that stand.

    A system that cannot be asked now is asked the next time about the same documents.
    """
    states = hub.connection_states()
    chosen = set(states) if systems is None else set(systems)
    for system in sorted(chosen):
        if states.get(system) is ConnectionState.LIVE:
            _read_back(hub, system)
    with hub.store.read() as tx:
        return [double for double in doubles.listed(tx) if double.system in chosen]


def _read_back(hub: Hub, system: str) -> None:
    try:
        connector = hub.connector(system)
        kinds = {name: one for name, one in connector.operations.items() if _only_looked_up(one)}
        if kinds:
            _look(hub, connector, kinds)
    except MillstreamError:
        return  # whatever keeps us out is told where it matters: by the pull and the delivery


def _only_looked_up(operation: OperationSpec) -> bool:
    steps = operation.variants.get("create", ())
    return any(step.delivery_class is DeliveryClass.LOOKED_UP and step.can_look_up for step in steps[:1])


def _look(hub: Hub, connector: Connector, kinds: Mapping[str, OperationSpec]) -> None:
    now, system = hub.now(), connector.system
    until = now - timedelta(seconds=max(operation.settle_seconds for operation in kinds.values()))
    with hub.store.read() as tx:
        wanted = doubles.to_read_back(tx, system, kinds, doubles.read_back_until(tx, system), until)
        for known in doubles.listed(tx, system):
            wanted.setdefault(known.kind, []).append(known.business_key)
    seen = {kind: connector.look_up(kind, sorted(set(keys))) for kind, keys in wanted.items() if kind in kinds}
    with hub.store.begin() as tx:
        for kind, found in seen.items():
            doubles.record(tx, _standing_twice(system, kind, found, now))
            doubles.gone(tx, system, kind, [key for key, standing in found.items() if len(standing) < 2], now)  # noqa: PLR2004 - twice
        doubles.note_read_back(tx, system, until)


def _standing_twice(
    system: str, kind: str, found: Mapping[str, Sequence[FoundDocument]], now: datetime
) -> list[Double]:
    return [
        Double(system, kind, key, [document.native_id for document in standing], now)
        for key, standing in found.items()
        if len(standing) > 1
    ]
