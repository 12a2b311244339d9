"""A store that is older than what was delivered: frames may tell of what it does not hold."""

from __future__ import annotations

import shutil
from pathlib import Path

from canonical.actors import Actor, Role
from pipeline.conform import conform
from pipeline.hub import Hub, open_hub
from pipeline.restored import notice_restore, sent_mark
from store import quarantine, ticks
from tests.unit.pipeline.landed import land_items, raw_item


def _refused(hub: Hub) -> tuple[int, bool]:
    with hub.store.read() as tx:
        return quarantine.waiting(tx, "conform", "crm", "item")


def test_notice_restore__what_was_refused_since_the_backup_is_refused_again(tmp_path: Path) -> None:
    environ = {"MILLSTREAM_HOME": str(tmp_path)}
    hub = open_hub(environ)
    run = hub.new_run(Actor("run", "first", Role.ENGINEER))
    land_items(hub, run, raw_item("FG-1", "Gear box"), raw_item("FG-2", None))
    hub.close()
    backup = shutil.copy(tmp_path / "hub.sqlite", tmp_path / "backup")

    hub = open_hub(environ)
    conform(hub, "crm", "item", run)
    assert _refused(hub) == (1, False)
    with hub.store.begin() as tx:
        sent_mark(hub).raise_to(ticks.advance(tx, "deliveries"))
    hub.close()
    shutil.copy(backup, tmp_path / "hub.sqlite")

    hub = open_hub(environ)
    assert hub.frames.read("canonical/item/crm") is not None
    notice_restore(hub)
    assert hub.frames.names() == []
    conform(hub, "crm", "item", run)
    assert _refused(hub) == (1, False)
    made = hub.frames.read("canonical/item/crm")
    assert made is not None
    assert made["code"].to_list() == ["FG-1"]

    notice_restore(hub)
    assert hub.frames.names() == ["canonical/item/crm"], "it is no older any more"
    hub.close()
