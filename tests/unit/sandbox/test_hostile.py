"""Hostile mode: repeatable, bounded, and never a lie that no client could notice."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from sandbox.common.hostile import MOST_IN_A_ROW, READ_FAULTS, WRITE_FAULTS, Dialect, Hostile, Weather


class Plant:
    """An app that counts its commits and answers with their number."""

    def __init__(self) -> None:
        self.commits = 0
        self.cut = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.commits += 1
        body = f"commit {self.commits} of {scope['path']}".encode()
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def abort(self, _: Scope) -> None:
        self.cut += 1


async def _call(hostile: Hostile, method: str = "POST", path: str = "/save") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await hostile({"type": "http", "method": method, "path": path}, receive, send)
    return sent


def _weather(kind: str, rate: float = 1.0) -> Weather:
    return Weather(1, rate, (kind,), hang_seconds=0.01, late_seconds=0.05, slow_seconds=0.01)


def _one(kind: str, before: int = 0) -> tuple[Plant, list[Message]]:
    """What one faulty request of this kind did, after `before` calm ones."""
    plant = Plant()
    hostile = Hostile(plant, Dialect(), plant.abort)

    async def run() -> list[Message]:
        hostile.weather = Weather(1, 1e-12, ())
        for _ in range(before):
            await _call(hostile)
        hostile._weather = _weather(kind)  # as set, but what went before is kept
        found = await _call(hostile)
        await asyncio.sleep(0.1)
        return found

    return plant, asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "status", "commits", "cut"),
    [
        ("error_before", 500, 0, 0),
        ("error_after", 500, 1, 0),
        ("reset", None, 1, 1),
        ("rate_limited", 429, 0, 0),
        ("slow_body", 201, 1, 0),
        ("cut_body", 201, 1, 0),
        ("expired", 401, 0, 0),
        ("late_commit", None, 1, 1),
    ],
)
def test_fault__does_what_it_says(kind: str, status: int | None, commits: int, cut: int) -> None:
    plant, sent = _one(kind)
    assert (sent[0]["status"] if sent else None) == status
    assert (plant.commits, plant.cut) == (commits, cut)


def test_fault__cut_body_promises_more_than_it_sends() -> None:
    _, sent = _one("cut_body")
    promised = int(dict(sent[0]["headers"])[b"content-length"])
    assert sum(len(message.get("body", b"")) for message in sent[1:]) < promised


def test_fault__html_with_200() -> None:
    _, sent = _one("html")
    assert sent[0]["status"] == 200
    assert sent[1]["body"].startswith(b"<!DOCTYPE html>")


def test_fault__previous_reply_takes_effect_but_answers_with_the_older_one() -> None:
    plant, sent = _one("previous_reply", before=1)
    assert plant.commits == 2
    assert sent[1]["body"] == b"commit 1 of /save"


def test_hostile__at_most_three_faults_in_a_row_on_one_path() -> None:
    plant = Plant()
    hostile = Hostile(plant, Dialect(), plant.abort)
    hostile.weather = _weather("error_before")

    async def run() -> list[Any]:
        return [(await _call(hostile))[0]["status"] for _ in range(8)]

    assert asyncio.run(run()) == [500] * MOST_IN_A_ROW + [201] + [500] * MOST_IN_A_ROW + [201]


def test_hostile__same_seed_same_faults() -> None:
    def faults(seed: int) -> list[int | None]:
        plant = Plant()
        hostile = Hostile(plant, Dialect(), plant.abort)
        hostile.weather = Weather(seed, 0.5, ("error_before", "expired", "rate_limited"))

        async def run() -> list[int | None]:
            return [(await _call(hostile, path=f"/{number % 3}"))[0]["status"] for number in range(30)]

        return asyncio.run(run())

    assert faults(1) == faults(1)
    assert faults(1) != faults(2)


def test_hostile__reads_never_get_another_reads_reply() -> None:
    assert set(WRITE_FAULTS) - set(READ_FAULTS) == {"previous_reply", "late_commit"}


def test_from_json__names_the_unknown_kind() -> None:
    with pytest.raises(ValueError, match="sunshine"):
        Weather.from_json({"rate": 1, "kinds": ["sunshine"]})


def test_hostile__half_a_request_is_not_carried_out() -> None:
    """A client that is killed while it sends: what came of its body must not pass for the whole."""
    plant = Plant()
    hostile = Hostile(plant, Dialect(), plant.abort)
    hostile.weather = Weather(1, 1e-12, ())
    coming: list[Message] = [
        {"type": "http.request", "body": b'{"half', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return coming.pop(0)

    async def send(_: Message) -> None:
        raise AssertionError("nobody is there to be answered")

    asyncio.run(hostile({"type": "http", "method": "POST", "path": "/save"}, receive, send))
    assert plant.commits == 0
