"""A hub with two chat robots on loopback, under a clock the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.hub import Configuration, Hub
from pipeline.settings import Deployment, Settings
from rules.ruleset import RuleSet
from store import notice_deliveries, notices
from store.frames import FrameStore
from store.landing import RawFiles
from store.notice_deliveries import Errand
from store.notices import Notice
from store.unit_of_work import Store
from tests.unit.connectors.loopback import Server, serving
from tests.unit.connectors.notify.receivers import WeCom

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
TWO = ("line", "office")


@dataclass
class Plant:
    """A hub with two robots, `line` and `office`, and whatever audiences a test chooses."""

    folder: Path
    store: Store
    servers: dict[str, Server]
    receivers: dict[str, WeCom]
    moment: datetime = NOON
    hubs: list[Hub] = field(default_factory=list)

    def hub(self, audiences: dict[str, Any], environ: dict[str, str] | None = None, **channels: Any) -> Hub:
        said: dict[str, Any] = {
            name: {"kind": "wecom", "key": {"env": f"{name.upper()}_KEY"}, "base_url": {"env": f"{name.upper()}_URL"}}
            for name in TWO
        }
        for name, more in channels.items():
            said[name] |= more
        deployment = Deployment.model_validate(
            {
                "name": "plant", "systems": {}, "rulebooks": (), "sales_order_system": "crm",
                "notifications": {"channels": said, "audiences": audiences},
            }
        )  # fmt: skip
        settings = Settings(self.folder, str(self.store.engine.url), None, self.folder / "plant.yaml", None)
        places = {f"{name.upper()}_URL": server.url for name, server in self.servers.items()}
        keys = {f"{name.upper()}_KEY": receiver.key for name, receiver in self.receivers.items()}
        raw, frames = RawFiles(self.folder / "raw"), FrameStore(self.folder / "frames")
        configuration = Configuration(deployment, {}, {}, {}, {}, RuleSet(()))
        given = {**places, **keys, **(environ or {})}
        hub = Hub(settings, configuration, self.store, raw, frames, given, now=lambda: self.moment)
        self.hubs.append(hub)
        return hub

    def tell(self, *keys: str, audience: str = "supervisor", urgent: bool = False) -> None:
        rows = [Notice(audience, key, {"zh": f"缺料 {key}", "en": f"Short of {key}"}, "rule:r", "e", urgent=urgent)
                for key in keys]  # fmt: skip
        with self.store.begin() as tx:
            notices.add(tx, rows, self.moment)

    def later(self, **amount: float) -> None:
        self.moment += timedelta(**amount)

    def ways(self, number: int) -> list[Errand]:
        with self.store.read() as tx:
            return notice_deliveries.of_notices(tx, [number]).get(number, [])

    def states(self, number: int) -> dict[str, str]:
        return {f"{one.audience}/{one.channel}": one.state.value for one in self.ways(number)}

    @property
    def line(self) -> list[str]:
        return self.receivers["line"].texts

    @property
    def office(self) -> list[str]:
        return self.receivers["office"].texts


def plants(folder: Path, url: str) -> Iterator[Plant]:
    """A plant on a store, closed afterwards."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving()) for name in TWO}
        receivers = {name: WeCom(key=f"key-of-{name}", per_minute=1000) for name in TWO}
        for name, server in servers.items():
            server.reply = receivers[name].reply
        made = Plant(folder, Store.open(url), servers, receivers)
        yield made
        for hub in made.hubs:
            hub.close()
        made.store.close()
