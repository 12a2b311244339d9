"""Statements made once, for what every turn and every delivery asks: on SQLite past SQLAlchemy's look at each of them.

A statement of the store is a SQLAlchemy construct; what compiling it gave (its text, the order of its values, how they
become columns and back) is kept, and so is what takes several times as long as SQLite needs for a few rows: the
context of one execution. On PostgreSQL, where the network takes the time, statements go the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CompoundSelect, Connection, Delete, Insert, Row, Select, Update
from sqlalchemy.engine.interfaces import DBAPICursor, Dialect
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import StatementError
from sqlalchemy.sql.compiler import SQLCompiler

from store.database import carry_out

Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete
Given = Mapping[str, object]
_Turned = Callable[[Any], Any] | None
"""What turns a value into a column's or back; None where it stays as it is."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement as SQLite takes it: its text, name and turning of each value in order, and of each column."""

    text: str
    said: Given
    """What the statement says itself; all else has to be given."""
    values: tuple[tuple[str, _Turned], ...]
    columns: tuple[tuple[int, Callable[[Any], Any]], ...]
    names: SimpleResultMetaData

    def ordered(self, given: Given) -> tuple[object, ...]:
        """The values of one execution in the order the text has them; none of them is left out."""
        said = self.said
        try:
            return tuple([
                turned(given[name] if name in given else said[name]) if turned else given[name] if name in given
                else said[name]
                for name, turned in self.values
            ])  # fmt: skip
        except KeyError as missing:
            raise StatementError(f"a value is required for {missing}", self.text, None, missing) from None

    def turned(self, row: Sequence[Any]) -> Sequence[Any]:
        """A row's columns as the types of the tables say."""
        found = list(row)
        for place, turn in self.columns:
            found[place] = turn(found[place])
        return found


class Prepared:
    """One statement; what it is given comes by name (`bindparam`), the columns of an insert by theirs."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._made: dict[tuple[str, ...], _Made | None] = {}

    def rows(self, tx: Connection, given: Given = {}) -> Sequence[Row[Any]]:  # noqa: B006 - nobody changes it
        """The rows it gives."""
        made = self._made_for(tx, given)
        if made is None:
            return tx.execute(self._statement, given).all()
        cursor, found = _begun(tx), list[Any]()

        def ask(text: str, values: tuple[object, ...]) -> None:
            cursor.execute(text, values)
            found.extend(cursor.fetchall())  # SQLite finds the later rows here, and what is wrong with them

        try:
            carry_out(tx, ask, made.text, made.ordered(given))
        finally:
            cursor.close()
        turned = [made.turned(row) for row in found] if made.columns else found
        return cast("Sequence[Row[Any]]", IteratorResult(made.names, iter(turned)).all())

    def one(self, tx: Connection, given: Given = {}) -> Row[Any] | None:  # noqa: B006 - nobody changes it
        """Its first row; None where there is none."""
        return next(iter(self.rows(tx, given)), None)

    def value(self, tx: Connection, given: Given = {}) -> Any:  # noqa: ANN401, B006 - a column's value
        """The first column of its first row; None where there is none."""
        row = self.one(tx, given)
        return None if row is None else row[0]

    def write(self, tx: Connection, *given: Given) -> int:
        """Carry it out for each of these; how many rows that concerned."""
        if not given:
            return 0
        made = self._made_for(tx, given[0])
        if made is None:
            return tx.execute(self._statement, given[0] if len(given) == 1 else list(given)).rowcount
        cursor = _begun(tx)
        try:
            if len(given) == 1:
                carry_out(tx, cursor.execute, made.text, made.ordered(given[0]))
            else:
                carry_out(tx, cursor.executemany, made.text, [made.ordered(one) for one in given])
            return cursor.rowcount
        finally:
            cursor.close()

    def _made_for(self, tx: Connection, given: Given) -> _Made | None:
        """None where it goes the usual way."""
        if tx.dialect.name != "sqlite":
            return None
        names = tuple(given)
        try:
            return self._made[names]
        except KeyError:
            made = self._made[names] = _made(self._statement, tx.dialect, names)
            return made


def _made(statement: Statement, dialect: Dialect, names: Sequence[str]) -> _Made | None:
    shown = list(statement.exported_columns)
    many: dict[str, Any] = {} if shown else {"for_executemany": True}
    compiled = statement.compile(dialect=dialect, column_keys=list(names), **many)
    assert isinstance(compiled, SQLCompiler), "a statement, and no schema"
    if compiled.literal_execute_params or compiled.post_compile_params or compiled.positiontup is None:
        return None  # its text depends on what it is given
    binds = compiled.binds
    values = tuple(
        (name, binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in compiled.positiontup
    )
    turned = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in shown]
    columns = tuple((place, turn) for place, turn in enumerate(turned) if turn is not None)
    said = {name: value for name, value in compiled.params.items() if not binds[name].required}
    return _Made(str(compiled), said, values, columns, SimpleResultMetaData([str(one.key) for one in shown]))


def _begun(tx: Connection) -> DBAPICursor:
    """A cursor of the driver; a connection that only reads begins with its first look."""
    if not tx.in_transaction():
        tx.begin()
    return tx.connection.cursor()
