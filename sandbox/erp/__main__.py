"""`python -m sandbox.erp --db FILE --port 0 …`: the simulated ERP as a process of its own."""

from __future__ import annotations

from sandbox.common.server import by_round, run
from sandbox.erp.app import create_app, dialect
from sandbox.erp.seeding import seed
from sandbox.erp.work import edit, work

if __name__ == "__main__":
    run("erp", create_app, seed, by_round(work), dialect=dialect(), controls={"edit": edit})
