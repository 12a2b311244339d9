"""What the hub knows, opened for a verb: the store alone, without configuration or connections."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from canonical.errors import ConfigurationError
from console.cli.terminal import Terminal
from pipeline.settings import Settings
from store import people
from store.unit_of_work import Store

if TYPE_CHECKING:
    from pipeline.hub import Hub

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
        _founded(store, file)
        yield store
    finally:
        store.close()


@contextmanager
def hub_of(terminal: Terminal) -> Iterator[Hub]:
    """The whole hub, with configuration and connections, of a store that stands."""
    from pipeline.hub import open_hub

    with opened(terminal):
        pass
    hub = open_hub(terminal.environ)
    try:
        yield hub
    finally:
        hub.close()


def _founded(store: Store, file: Path | None) -> None:
    """Where nobody is on the roll yet, whoever made the store is its first admin: the owner of its file.

    A database server's roll is founded by who opens it first: they hold its password.
    """
    if file is not None and not _owned(file):
        return
    with store.read() as tx:
        empty = not people.listed(tx)
    if empty:
        with store.begin() as tx:
            people.found(tx, account(), now())


def _owned(file: Path) -> bool:
    return not hasattr(os, "getuid") or file.stat().st_uid == os.getuid()


def account() -> str:
    """The account of the operating system that this process runs under, whatever the environment says."""
    try:
        import pwd  # there is none on Windows
    except ImportError:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid-{os.getuid()}"


def database_file(settings: Settings) -> Path | None:
    """The SQLite file; None where another database is used."""
    url = settings.database_url
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def without_password(url: str) -> str:
    """A database URL that may be shown."""
    return _PASSWORD.sub(r"\1***@", url)


def now() -> datetime:
    """The clock of the edge."""
    return datetime.now(UTC)
