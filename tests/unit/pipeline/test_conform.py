"""Only what landed since is mapped, as long as what was mapped before is what stands there."""

from __future__ import annotations

import shutil
from pathlib import Path

from canonical.actors import Actor, Role
from pipeline.conform import conform
from pipeline.hub import Hub, open_hub
from tests.unit.pipeline.landed import land_items, landed_hub, raw_item


def _told(hub: Hub, code: str) -> set[str]:
    """Another item lands; the codes that are canonical then."""
    run = hub.new_run(Actor("run", code, Role.ENGINEER))
    land_items(hub, run, raw_item(code, f"Item {code}"), complete=False)
    conform(hub, "crm", "item", run)
    frame = hub.frames.read("canonical/item/crm")
    assert frame is not None
    return set(frame["code"])


def test_conform__by_yesterday_s_store__what_lands_in_places_that_were_taken_is_not_passed_over(tmp_path: Path) -> None:
    """The frames are newer than the store: they were made of landings that it knows no more."""
    landed_hub(tmp_path).close()
    backup = shutil.copy(tmp_path / "hub.sqlite", tmp_path / "backup")
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    assert _told(hub, "FG-3") == {"FG-1", "FG-3"}
    assert _told(hub, "FG-4") == {"FG-1", "FG-3", "FG-4"}
    hub.close()
    shutil.copy(backup, tmp_path / "hub.sqlite")
    hub = open_hub({"MILLSTREAM_HOME": str(tmp_path)})
    assert _told(hub, "FG-5") == {"FG-1", "FG-5"}
    assert _told(hub, "FG-6") == {"FG-1", "FG-5", "FG-6"}
    hub.close()
