from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.unit_of_work import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on SQLite."""
    opened = Store.open(f"sqlite:///{tmp_path}/hub.sqlite")
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, on SQLite and on PostgreSQL."""
    on_sqlite = request.param == "sqlite"
    opened = Store.open(
        f"sqlite:///{tmp_path}/hub.sqlite" if on_sqlite else request.getfixturevalue("postgres_database")
    )
    yield opened
    opened.close()
