"""Where Tryton keeps its databases: SQLite files by default, a PostgreSQL server on request.

Both can say whether a database exists, copy one and drop one; a finished database is built
once and copied for every run.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

COPY_ATTEMPTS = 10


class Databases(Protocol):
    """The place; `settings` is the [database] section of trytond's configuration."""

    @property
    def settings(self) -> str: ...

    def exists(self, name: str) -> bool: ...

    def create(self, name: str) -> None: ...

    def copy(self, source: str, target: str) -> None: ...

    def rename(self, source: str, target: str) -> None: ...

    def drop(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SqliteFolder:
    """One file per database in `folder`."""

    folder: Path

    @property
    def settings(self) -> str:
        return f"uri = sqlite://\npath = {self.folder}\n"

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite"

    def exists(self, name: str) -> bool:
        return self.path(name).exists()

    def create(self, name: str) -> None:
        """Make an empty file: Tryton refuses to create it by itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.drop(name)
        self.path(name).touch(mode=0o600)

    def copy(self, source: str, target: str) -> None:
        copy_file(self.path(source), self.path(target))

    def rename(self, source: str, target: str) -> None:
        """Move a closed database; the copy also takes over what its log still holds."""
        self.copy(source, target)
        self.drop(source)

    def drop(self, name: str) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.path(name)}{ending}").unlink(missing_ok=True)


def copy_file(source: Path, target: Path) -> None:
    """Copy a SQLite database, running or not, whole: a plain file copy loses the log."""
    target.parent.mkdir(parents=True, exist_ok=True)
    SqliteFolder(target.parent).drop(target.stem)
    target.touch(mode=0o600)
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """One server at `url` (postgresql://user:password@host:port/), reached over TCP."""

    url: str

    @property
    def settings(self) -> str:
        url = make_url(self.url).set(drivername="postgresql", database="")
        return f"uri = {url.render_as_string(hide_password=False)}\n"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Connection]:
        url = make_url(self.url).set(drivername="postgresql+psycopg2", database="postgres")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def exists(self, name: str) -> bool:
        with self.connected() as connection:
            query = text("SELECT 1 FROM pg_database WHERE datname = :name")
            return connection.execute(query, {"name": name}).first() is not None

    def create(self, name: str) -> None:
        with self.connected() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING UTF8'))

    def copy(self, source: str, target: str) -> None:
        """Copy by template. A server on `source` loses its connections and opens new ones."""
        with self.connected() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)'))
            self._alone(connection, source, f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

    def rename(self, source: str, target: str) -> None:
        with self.connected() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)'))
            self._alone(connection, source, f'ALTER DATABASE "{source}" RENAME TO "{target}"')

    def drop(self, name: str) -> None:
        with self.connected() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    @staticmethod
    def _alone(connection: Connection, source: str, statement: str) -> None:
        """Run `statement` while nobody else is connected to `source`."""
        others = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n")
        for attempt in range(COPY_ATTEMPTS):
            connection.execute(others, {"n": source})
            try:
                connection.execute(text(statement))
            except OperationalError:  # somebody reconnected in between
                if attempt == COPY_ATTEMPTS - 1:
                    raise
                time.sleep(0.2)
            else:
                return
