"""Real servers for the tests that need them: PostgreSQL and Redis, each from what the machine has.

An address in the environment (`MILLSTREAM_TEST_POSTGRES_URL`, `MILLSTREAM_TEST_REDIS_URL`) comes first, then
what `tests/servers.py` finds. What cannot be run is said at the end of the test run, with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import ServerMissing, new_database, postgres_server, redis_server

_not_run: dict[str, str] = {}


def _cannot_run(server: str, reason: str) -> None:
    _not_run[server] = reason
    pytest.skip(f"{server}: {reason}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for server, reason in _not_run.items():
        terminalreporter.write_line(f"NOT RUN on {server}: {reason}", yellow=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server's URL (`postgresql+psycopg2://…`); use `postgres_database` for a database of one's own."""
    given = os.environ.get("MILLSTREAM_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    try:
        with postgres_server() as server:
            yield server.url
    except ServerMissing as missing:
        _cannot_run("PostgreSQL", str(missing))


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database, dropped afterwards."""
    with new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server's URL; its content is anybody's, so tests prefix their keys or flush it."""
    given = os.environ.get("MILLSTREAM_TEST_REDIS_URL")
    if given:
        yield given
        return
    try:
        with redis_server() as url:
            yield url
    except ServerMissing as missing:
        _cannot_run("Redis", str(missing))
