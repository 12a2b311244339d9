"""What the tests of worlds share: a store for many of them, and payloads that are the command's body."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline import delivery
from store.unit_of_work import Store
from tests.faults.world import careless


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One for all worlds of a module; each empties it first."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('world')}/hub.sqlite")
    careless(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def plain_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's body goes out as it stands."""
    monkeypatch.setattr(delivery, "build_payload", lambda _, one: dict(one.body))
