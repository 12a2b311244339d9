"""`python -m sandbox.mes --db FILE …`: one MES process."""

from __future__ import annotations

from sandbox.common import server
from sandbox.mes.app import DIALECT, create_app
from sandbox.mes.outbox import subscribe
from sandbox.mes.seeding import seed
from sandbox.mes.work import told

if __name__ == "__main__":
    server.run("mes", create_app, seed, told, dialect=DIALECT, controls={"webhook": subscribe})
