"""`python -m sandbox.wms --db FILE …`: one WMS process."""

from __future__ import annotations

from sandbox.common import server
from sandbox.wms.app import DIALECT, create_app, stock_levels
from sandbox.wms.seeding import seed
from sandbox.wms.work import told

if __name__ == "__main__":
    server.run("wms", create_app, seed, told, dialect=DIALECT, controls={"stock": stock_levels})
