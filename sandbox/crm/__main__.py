"""Runs the CRM: `python -m sandbox.crm --db FILE`."""

from sandbox.common.server import by_round, run
from sandbox.crm.app import DIALECT, create_app
from sandbox.crm.seeding import seed
from sandbox.crm.sessions import expire
from sandbox.crm.work import edit, work

if __name__ == "__main__":
    run("crm", create_app, seed, by_round(work), dialect=DIALECT, controls={"edit": edit, "expire": expire})
