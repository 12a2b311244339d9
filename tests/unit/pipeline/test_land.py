"""Landing against real servers on loopback; the store is a real one too."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

import pipeline.hub
from canonical.actors import Actor
from connectors.port import Connector
from connectors.registry import load_system, open_connector
from mappings.engine import compile_inbound
from mappings.loading import SystemMappings
from mappings.spec import InboundSpec
from pipeline.hub import Configuration, Hub, Run
from pipeline.land import land, raw_landings
from pipeline.settings import Connection, Deployment, Settings
from rules.ruleset import RuleSet
from store import circuits
from store.frames import FrameStore
from store.landing import RawFiles
from store.unit_of_work import Store
from tests.unit.connectors.loopback import Answer, Server, serving

TIME_LIMIT = 0.4
STREAMS = ("a", "b", "c", "d", "e", "f")
RUN = Run("r1", date(2026, 11, 2), Actor("run", "test"))
HEAD = """
system: {name}
role: other
product: Loopback
protocol: rest
timezone: UTC
base_url: {{env: {variable}}}
auth: {{kind: none}}
limits: {{timeout_seconds: {limit}, connect_seconds: {limit}, requests_per_second: 1000, read_attempts: 5}}
streams:
"""
STREAM = """
  {name}:
    entity: item
    request: {{path: /{name}, params: {{since: "{{since?}}", cursor: "{{cursor?}}"}}}}
    records: items
    watermark: {{field: at}}
    complete: true
"""
ITEMS = InboundSpec.model_validate(
    {"entity": "item", "stream": "a", "fields": {"code": "code", "name": "name", "unit": "unit", "lot": "line.lot"}}
)


@dataclass
class Systems:
    """Connector folders for systems on loopback, and hubs that know them."""

    folder: Path
    store: Store
    environ: dict[str, str]

    def declare(self, name: str, url: str) -> None:
        variable = f"{name.upper()}_URL"
        folder = self.folder / "connectors" / name
        folder.mkdir(parents=True)
        text = HEAD.format(name=name, variable=variable, limit=TIME_LIMIT)
        (folder / "system.yaml").write_text(text + "".join(STREAM.format(name=each) for each in STREAMS))
        self.environ[variable] = url

    def hub(self, *, redis_url: str | None = None, home: str = "") -> Hub:
        names = [file.parent.name for file in self.folder.glob("connectors/*/system.yaml")]
        connected = {name: Connection(role="other") for name in names}
        deployment = Deployment(name="test", systems=connected, rulebooks=(), sales_order_system="x")
        declared = {name: load_system(name, self.folder / "connectors") for name in names}
        mapped = {name: SystemMappings((ITEMS,), {}, {}) for name in names}
        configuration = Configuration(deployment, declared, mapped, {}, {}, RuleSet(()))
        settings = Settings(self.folder, str(self.store.engine.url), redis_url, self.folder / "none.yaml", None)
        raw, frames = RawFiles(self.folder / home / "raw"), FrameStore(self.folder / home / "frames")
        return Hub(settings, configuration, self.store, raw, frames, self.environ)


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systems]:
    def opened(name: str, environ: Mapping[str, str], **settings: Any) -> Connector:
        return open_connector(name, environ, **{**settings, "folder": tmp_path / "connectors"})

    monkeypatch.setattr(pipeline.hub, "open_connector", opened)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    yield Systems(tmp_path, store, {})
    store.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as told:
        yield told


@contextmanager
def hanging() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that takes every connection, reads what is sent, and never answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    taken: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            taken.append(peer)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for peer in taken:
        peer.close()
    thread.join(2)


def _answers(server: Server) -> None:
    server.reply = lambda _: Answer(body={"items": [{"code": "A", "at": "2026-11-02T00:00:00+00:00"}]})


@pytest.mark.parametrize("readers", [1, 4], ids=["one after the other", "four at once"])
def test_land__a_system_that_hangs_costs_a_few_time_limits_in_all(
    systems: Systems, server: Server, readers: int
) -> None:
    _answers(server)
    with hanging() as (url, taken):
        systems.declare("mute", url)
        systems.declare("well", server.url)
        hub = systems.hub()
        began = time.monotonic()
        places = [(system, stream) for system in ("mute", "well") for stream in STREAMS]
        with ThreadPoolExecutor(readers) as pool:
            landed = list(pool.map(lambda place: land(hub, place[0], place[1], RUN), places))
        took = time.monotonic() - began
        hub.close()
    assert took < 2.5 * TIME_LIMIT + 3, f"{took:.1f} s for {len(STREAMS)} streams"
    assert len(taken) <= max(2, readers)
    assert [one.rows for one in landed if one.system == "well"] == [1] * len(STREAMS)
    reasons = [str(one.halted) for one in landed if one.system == "mute"]
    assert all("no answer came within 0.4 s" in reason for reason in reasons), reasons
    assert any("left alone" in reason and "millstream probe mute" in reason for reason in reasons), reasons


def test_land__the_store_says_how_the_circuit_stands_and_since_when(systems: Systems, server: Server) -> None:
    before = datetime.now(UTC)
    with hanging() as (url, _):
        systems.declare("mute", url)
        hub = systems.hub()
        land(hub, "mute", "a", RUN)
        hub.close()
    with systems.store.read() as tx:
        row = circuits.listed(tx)["mute"]
    assert row.state == "open"
    assert before <= row.since <= datetime.now(UTC)
    assert row.until is not None
    assert row.until > row.since
    assert "no answer came" in row.said
    _answers(server)
    systems.environ["MUTE_URL"] = server.url
    hub = systems.hub()  # a later process finds it well
    assert land(hub, "mute", "a", RUN).rows == 1
    hub.close()
    with systems.store.read() as tx:
        assert circuits.listed(tx)["mute"].state == "closed"


def test_land__a_calm_system_writes_nothing_about_its_circuit(systems: Systems, server: Server) -> None:
    _answers(server)
    systems.declare("well", server.url)
    hub = systems.hub()
    land(hub, "well", "a", RUN)
    hub.close()
    with systems.store.read() as tx:
        assert circuits.listed(tx) == {}


@contextmanager
def a_way_to(redis_url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """An address that leads to Redis until it is cut: the server itself belongs to other tests too."""
    parts = urlsplit(redis_url)
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)

    def take() -> None:
        with suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.create_connection((parts.hostname or "", parts.port or 0))
                ends.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    def cut() -> None:
        for end in (listener, *ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    threading.Thread(target=take, daemon=True).start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", cut
    cut()


def test_land__redis_flushed_and_then_gone_in_the_middle_changes_nothing(
    systems: Systems, server: Server, redis_url: str
) -> None:
    records = [_item(str(number), f"item {number}") for number in range(3)]
    server.reply = lambda asked: Answer(body={"items": [{**one, "of": asked.path[1]} for one in records]})
    systems.declare("well", server.url)
    with a_way_to(redis_url) as (way, cut):
        server_side = redis.Redis.from_url(redis_url)
        events = {"b": server_side.flushall, "d": cut}
        hub = systems.hub(redis_url=way, home="shared")
        for stream in STREAMS:
            events.get(stream, lambda: None)()
            assert land(hub, "well", stream, RUN, everything=True).halted is None
            if stream == "a":
                assert any(b"well" in key for key in server_side.scan_iter()), "the limit was not shared at all"
        shared = {stream: raw_landings(hub, "well", stream)[-1]["record"].to_list() for stream in STREAMS}
        hub.close()
    hub = systems.hub(home="alone")
    alone = {}
    for stream in STREAMS:
        land(hub, "well", stream, replace(RUN, run_id="r2"), everything=True)
        alone[stream] = raw_landings(hub, "well", stream)[-1]["record"].to_list()
    hub.close()
    assert shared == alone
    assert all(len(rows) == len(records) for rows in shared.values())


def _item(code: str, name: str, at: str = "2026-11-02T08:00:00+00:00", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": name, "at": at, **more}


def _pulls(systems: Systems, server: Server, *pulls: list[dict[str, Any]]) -> tuple[list[int], list[str]]:
    """How many rows each pull landed, and all that landed, in order: `code name`."""
    server.script = [Answer(body={"items": records}) for records in pulls]
    systems.declare("well", server.url)
    hub = systems.hub()
    counts = [land(hub, "well", "a", RUN).rows for _ in pulls]
    landed = [json.loads(text) for frame in raw_landings(hub, "well", "a") for text in frame["record"]]
    hub.close()
    return counts, [f"{record.get('code')} {record['name']}" for record in landed]


def test_land__a_record_that_went_back_within_one_tick_of_the_clock_lands_again(
    systems: Systems, server: Server
) -> None:
    before, after = _item("1", "old"), _item("1", "new")
    counts, landed = _pulls(systems, server, [before], [after], [before], [before])
    assert counts == [1, 1, 1, 0]
    assert landed == ["1 old", "1 new", "1 old"]


def test_land__what_stands_at_the_edge_of_the_cursor_lands_once(systems: Systems, server: Server) -> None:
    edge = [_item("1", "螺栓 M8"), _item("2", 'say "two"'), _item("3", "three")]
    counts, landed = _pulls(systems, server, edge, edge, [*edge, _item("4", "four")], [*edge, _item("4", "four")])
    assert counts == [3, 0, 1, 0]
    assert len(landed) == 4


def test_land__both_versions_in_one_pull_are_judged_by_the_last(systems: Systems, server: Server) -> None:
    old, new = _item("1", "old"), _item("1", "new")
    counts, landed = _pulls(systems, server, [old], [new, old], [new, old], [old, new])
    assert landed[-2:] == ["1 old", "1 new"]
    assert counts == [1, 2, 0, 2]


def test_land__a_key_within_another_is_not_taken_for_it(systems: Systems, server: Server) -> None:
    counts, _ = _pulls(systems, server, [_item("1", "a"), _item("11", "a")], [_item("11", "b")], [_item("1", "a")])
    assert counts == [2, 1, 0]


def test_land__records_without_a_readable_key_always_land(systems: Systems, server: Server) -> None:
    nameless = {"name": "who?", "at": "2026-11-02T08:00:00+00:00"}
    structured = {**nameless, "code": {"no": 1}}
    counts, _ = _pulls(systems, server, [nameless, structured], [nameless, structured])
    assert counts == [2, 2]


def test_land__numbers_as_keys(systems: Systems, server: Server) -> None:
    counts, _ = _pulls(systems, server, [{**_item("", "a"), "code": 7}], [{**_item("", "a"), "code": 7}])
    assert counts == [1, 0]


def test_land__half_a_character_costs_its_own_record_and_no_other(systems: Systems, server: Server) -> None:
    server.script = [
        Answer(body=rb'{"items": [{"code": "1", "name": "\ud83d"}, {"code": "2", "name": "\ud83d\ude00"}]}')
    ]
    systems.declare("well", server.url)
    hub = systems.hub()
    assert land(hub, "well", "a", RUN).rows == 2
    [landed] = raw_landings(hub, "well", "a")
    rows, rejected = compile_inbound(ITEMS, "UTC").apply(landed, "well")
    assert [row.payload for row in rejected] == [r'{"code": "1", "name": "\ud83d"}']
    assert rejected[0].rule == "not_json"
    assert rows["name"].to_list() == ["😀"]
    hub.close()


@pytest.mark.parametrize(
    ("written", "times"),
    [
        ("unix_seconds", ("1793433600", "1793433601", "1793433599")),
        ("day_month_year", ("30/10/2026 08:00", "01/11/2026 08:00", "31/10/2026 09:00")),
    ],
)
def test_land__the_newest_change_of_all_pages_is_the_watermark_however_it_is_written(
    systems: Systems, server: Server, written: str, times: Sequence[str]
) -> None:
    """`since` of the next pull says which it was."""
    systems.declare("well", server.url)
    file = systems.folder / "connectors" / "well" / "system.yaml"
    text = file.read_text().replace("watermark: {field: at}", f"watermark: {{field: at, format: {written}}}")
    file.write_text(text.replace("    records: items\n", "    records: items\n    paging: {kind: cursor, at: next}\n"))
    server.script = [
        Answer(body={"items": [_item(str(number), "a", at=at)], "next": str(number) if number < 2 else None})
        for number, at in enumerate(times)
    ]
    hub = systems.hub()
    landed = land(hub, "well", "a", RUN)
    hub.close()
    assert (landed.halted, landed.rows, landed.watermark) == (None, 3, times[1])


def test_land__a_refusal_of_any_kind_halts_this_stream_only(systems: Systems, server: Server) -> None:
    """A cursor that cannot be put into a question, a record that is no object: nothing of it may end the pass."""
    server.script = [Answer(body={"items": ["text"]}), Answer(body={"rows": []}), Answer(404, {"no": "such page"})]
    systems.declare("well", server.url)
    hub = systems.hub()
    reasons = [str(land(hub, "well", stream, RUN).halted) for stream in "abc"]
    assert reasons == [
        "well: a record at 'items' is no object", "well: the reply holds no list at 'items' (it holds rows)",
        "well: HTTP 404",
    ]  # fmt: skip
    hub.close()
