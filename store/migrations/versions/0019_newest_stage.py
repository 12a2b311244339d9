"""The newest counts of a stage, which every turn asks for, are found by an index, however many runs there were."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_run_stages_newest", "run_stages", ["stage", "part", "finished_at"])


def downgrade() -> None:
    op.drop_index("ix_run_stages_newest", table_name="run_stages")
