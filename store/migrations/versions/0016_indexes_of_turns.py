"""What every turn of the relay asks for is found by an index, however much has been delivered before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_business_key", "outbox", ["business_key"])
    op.create_index("ix_decided_business_key", "decided", ["business_key"])
    op.create_index("ix_landings_stream", "landings", ["system", "stream", "position"])
    op.create_index(
        "ix_landings_complete", "landings", ["system", "stream", "position"],
        sqlite_where=sa.text("complete = 1"), postgresql_where=sa.text("complete"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_landings_complete", table_name="landings")
    op.drop_index("ix_landings_stream", table_name="landings")
    op.drop_index("ix_decided_business_key", table_name="decided")
    op.drop_index("ix_outbox_business_key", table_name="outbox")
