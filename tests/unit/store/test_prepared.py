from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, column, delete, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from canonical.errors import StoreFailed
from store.prepared import Prepared
from store.statements import Keyed
from store.tables import change_events, inbox, leases, ticks
from store.unit_of_work import Store

NOON = datetime(2026, 3, 2, 12, 0, 0, 120, tzinfo=UTC)
INSERT = Prepared(insert(inbox))
ALL = select(inbox).where(inbox.c.received_at >= bindparam("since")).order_by(inbox.c.position)


def _event(at: int, payload: object = "-") -> dict[str, object]:
    received = (NOON + timedelta(hours=at)).astimezone(timezone(timedelta(hours=8)))
    return {
        "system": "crm", "event_id": f"e{at}", "payload": payload, "received_at": received, "state": "unread",
    }  # fmt: skip


def test_rows__are_those_that_sqlalchemy_gives(either_store: Store) -> None:
    """Moments, JSON, null, numbers and text become columns and come back as the types of the tables say."""
    with either_store.begin() as tx:
        assert INSERT.write(tx, _event(0, {"b": "1.10", "a": [1, None, "壹"]})) == 1
        INSERT.write(tx, _event(1), _event(2, "007"))
        tx.execute(insert(inbox), [_event(3, {"b": "1.10", "a": [1, None, "壹"]}), _event(4), _event(5, "007")])
        given = {"since": NOON + timedelta(hours=1)}
        rows = Prepared(ALL).rows(tx, given)
        assert rows == tx.execute(ALL, given).all()
        assert [row.event_id for row in rows] == ["e1", "e2", "e3", "e4", "e5"]
        assert rows[2].received_at == NOON + timedelta(hours=3)
        assert rows[2].received_at.tzinfo is UTC
        first = select(inbox.c.payload, inbox.c.read_at).order_by(inbox.c.position)
        said = [tuple(row) for row in Prepared(first).rows(tx)]
        assert said[:3] == said[3:], "written the one way or the other"
        assert rows[0]._mapping["system"] == "crm"


def test_write__says_how_many_rows_it_concerned(either_store: Store) -> None:
    """One or many; constants of the statement count, and columns that were not given keep what they had."""
    done = Prepared(
        update(inbox).where(inbox.c.event_id == bindparam("of"), inbox.c.state == "unread").values(state="done")
    )
    gone = Prepared(delete(inbox).where(inbox.c.event_id == bindparam("of")))
    with either_store.begin() as tx:
        assert INSERT.write(tx) == 0
        INSERT.write(tx, _event(0), _event(1))
        assert done.write(tx, {"of": "e0"}) == 1
        assert done.write(tx, {"of": "e0"}) == 0
        assert gone.write(tx, {"of": "e1"}) == 1
        (left,) = Prepared(ALL).rows(tx, {"since": NOON})
        assert (left.event_id, left.state, left.read_at, left.error) == ("e0", "done", None, None)


def test_value__is_the_first_columns(either_store: Store) -> None:
    """Also what a statement returns that writes, and None where there is no row."""
    count = Prepared(select(func.count()).select_from(inbox))
    none = Prepared(select(leases.c.owner).where(leases.c.name == bindparam("of")))
    added = Prepared(insert(ticks).returning(ticks.c.value))
    with either_store.begin() as tx:
        assert count.value(tx) == 0
        assert none.value(tx, {"of": "nobody"}) is None
        assert none.one(tx, {"of": "nobody"}) is None
        assert added.value(tx, {"name": "x", "value": 7}) == 7


def test_rows__of_a_statement_whose_text_depends_on_what_it_is_given(either_store: Store) -> None:
    """It goes the usual way."""
    among = Prepared(select(inbox.c.event_id).where(inbox.c.event_id.in_(bindparam("of", expanding=True))))
    with either_store.begin() as tx:
        INSERT.write(tx, _event(0), _event(1), _event(2))
        assert {row.event_id for row in among.rows(tx, {"of": ["e0", "e2", "e9"]})} == {"e0", "e2"}
        assert {row.event_id for row in among.rows(tx, {"of": ["e1"]})} == {"e1"}


def test_keyed__takes_further_lists(either_store: Store) -> None:
    """Each row whose columns are among both; nothing of an empty list."""
    asked = Keyed(select(inbox.c.event_id), inbox.c.event_id, of=inbox.c.system)
    with either_store.begin() as tx:
        INSERT.write(tx, _event(0), _event(1), {**_event(2), "system": "erp"}, {**_event(3), "system": "mes"})
        rows = asked.rows(tx, ["e0", "e2", "e3"], of=["crm", "erp"])
        assert {row.event_id for row in rows} == {"e0", "e2"}
        assert asked.rows(tx, ["e0"], of=[]) == []
        assert asked.rows(tx, [], of=["crm"]) == []


def test_rows__of_a_connection_that_reads(either_store: Store) -> None:
    """It is one view from its first look on, and a fresh one after this thread's own write."""
    count = Prepared(select(func.count()).select_from(inbox))
    with either_store.steadily():
        with either_store.read() as tx:
            assert count.value(tx) == 0
        with either_store.begin() as other:
            INSERT.write(other, _event(0))
        with either_store.read() as tx:
            assert count.value(tx) == 1


def test_write__that_breaks_a_rule_of_the_tables(either_store: Store) -> None:
    """Says so as SQLAlchemy does; the transaction is undone as a whole."""
    with pytest.raises(IntegrityError), either_store.begin() as tx:
        INSERT.write(tx, _event(0), _event(1), _event(1))
    with either_store.read() as tx:
        assert Prepared(ALL).rows(tx, {"since": NOON}) == []


@pytest.mark.parametrize("missing", ["error", "received_at", "system"])
def test_write__of_a_row_without_a_value_that_others_have(either_store: Store, missing: str) -> None:
    """It is refused as SQLAlchemy refuses it, whether the column may be null or not; nothing is made up."""
    whole = {**_event(0), "error": "why"}
    rest = {name: value for name, value in {**_event(1), "error": "why"}.items() if name != missing}
    with pytest.raises(StatementError, match="value is required"), either_store.begin() as tx:
        INSERT.write(tx, whole, rest)
    with either_store.read() as tx:
        assert Prepared(ALL).rows(tx, {"since": NOON}) == []


def test_rows__of_a_question_that_leaves_a_value_out(either_store: Store) -> None:
    """It is not asked with nothing instead."""
    with pytest.raises(StatementError, match="value is required"), either_store.read() as tx:
        Prepared(ALL).rows(tx)


def test_write__on_a_full_disk(store: Store) -> None:
    """Is said in words a person can act on."""
    event.listen(store.engine, "begin", lambda tx: tx.exec_driver_sql("PRAGMA max_page_count = 1"))
    with pytest.raises(StoreFailed, match="no room"), store.begin() as tx:
        INSERT.write(tx, *(_event(at, "x" * 4000) for at in range(100)))


def test_write__of_a_moment_without_zone(either_store: Store) -> None:
    """Is refused before anything is sent."""
    with pytest.raises(Exception, match="no time zone"), either_store.begin() as tx:
        INSERT.write(tx, {**_event(0), "received_at": datetime(2026, 3, 2)})  # noqa: DTZ001 - what it is about


def test_rows__of_events_are_equal_either_way(either_store: Store) -> None:
    """Columns that the database fills in are there as well."""
    row = {
        "id": "e", "entity": "sales_order", "key": "SO-1", "kind": "changed", "old": None, "new": {"a": "1"},
        "fields": ["a"], "origin": "crm", "at": NOON, "run_id": "r",
    }  # fmt: skip
    with either_store.begin() as tx:
        Prepared(insert(change_events)).write(tx, row)
        assert Prepared(select(change_events)).rows(tx) == tx.execute(select(change_events)).all()
        assert Prepared(select(change_events.c.hops)).value(tx) == 0


def test_rows__what_goes_wrong_at_a_later_row_is_said_as_sqlalchemy_says_it(either_store: Store) -> None:
    on_sqlite = either_store.engine.dialect.name == "sqlite"
    numbers = text(f"(select 1 as n union all select {-(2**63) if on_sqlite else 0}) as numbers")
    failing = func.abs(column("n")) if on_sqlite else 1 / column("n")
    with either_store.begin() as tx, pytest.raises(DBAPIError):
        Prepared(select(failing).select_from(numbers)).rows(tx)
