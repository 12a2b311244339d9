from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.connectors.loopback import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as told:
        yield told
