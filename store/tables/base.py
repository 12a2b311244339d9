"""What every table shares: the names of its constraints, its order of arrival, its text columns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)
POSITION = BigInteger().with_variant(Integer, "sqlite")
"""A place in the order of arrival; SQLite counts only a plain INTEGER."""


def arrival() -> Column[int]:
    """Order of arrival, in the column `position`."""
    return Column("position", POSITION, primary_key=True, autoincrement=True)


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text exactly as written; required unless told."""
    return Column(name, Text, nullable=nullable)
