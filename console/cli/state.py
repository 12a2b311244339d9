"""What the hub knows, opened for a verb: the store alone, without configuration or connections."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from canonical.actors import Actor, Role
from canonical.errors import ConfigurationError
from console.cli.terminal import Terminal
from pipeline.settings import Settings
from store.unit_of_work import Store

_SQLITE = "sqlite:///"
_PASSWORD = re.compile(r"(//[^:/@]*:)[^@]*@")


def settings_of(terminal: Terminal) -> Settings:
    """Where this caller's hub keeps what it knows."""
    return Settings.from_environment(terminal.environ)


@contextmanager
def opened(terminal: Terminal, *, create: bool = False) -> Iterator[Store]:
    """The store; without `create` a hub that never ran is an error, not a new empty file."""
    settings = settings_of(terminal)
    file = database_file(settings)
    if file is not None and not file.exists() and not create:
        raise ConfigurationError(terminal.say("state.none", home=settings.home), hint=terminal.say("state.none.hint"))
    store = Store.open(settings.database_url)
    try:
        yield store
    finally:
        store.close()


def database_file(settings: Settings) -> Path | None:
    """The SQLite file; None where another database is used."""
    url = settings.database_url
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def without_password(url: str) -> str:
    """A database URL that may be shown."""
    return _PASSWORD.sub(r"\1***@", url)


def person(named: str | None) -> Actor:
    """Who acts: the name given, or the operating system's user. Whoever may open the store may act on it."""
    return Actor("person", named or getpass.getuser(), Role.ENGINEER)


def now() -> datetime:
    """The clock of the edge."""
    return datetime.now(UTC)
