"""Decisions of stewards, candidate pairs, golden codes, and where a moved record is at home."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("crosswalk", sa.Column("home_id", sa.Text(), nullable=True))
    op.create_index("ix_crosswalk_home_id", "crosswalk", ["entity", "home_id"], unique=False)
    op.add_column("golden_history", sa.Column("effective_from", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "golden_codes",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entity", "name", name=op.f("pk_golden_codes")),
        sa.UniqueConstraint("entity", "code", name=op.f("uq_golden_codes_entity_code")),
    )
    op.create_table(
        "steward_decisions",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("others", sa.Text(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("about", POSITION, nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_steward_decisions")),
    )
    op.create_index("ix_steward_decisions_entity", "steward_decisions", ["entity", "position"], unique=False)
    op.create_table(
        "candidate_pairs",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("a_system", sa.Text(), nullable=False),
        sa.Column("a_key", sa.Text(), nullable=False),
        sa.Column("b_system", sa.Text(), nullable=False),
        sa.Column("b_key", sa.Text(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("posterior", sa.Float(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entity", "a_system", "a_key", "b_system", "b_key", name=op.f("pk_candidate_pairs")),
    )
    op.create_index("ix_candidate_pairs_band", "candidate_pairs", ["entity", "band"], unique=False)
    op.create_table(
        "queue_assignments",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_queue_assignments")),
    )


def downgrade() -> None:
    op.drop_table("queue_assignments")
    op.drop_index("ix_candidate_pairs_band", "candidate_pairs")
    op.drop_table("candidate_pairs")
    op.drop_index("ix_steward_decisions_entity", "steward_decisions")
    op.drop_table("steward_decisions")
    op.drop_table("golden_codes")
    op.drop_column("golden_history", "effective_from")
    op.drop_index("ix_crosswalk_home_id", "crosswalk")
    op.drop_column("crosswalk", "home_id")
