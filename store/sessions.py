"""Who is logged in: sessions live here and not in the browser, which holds a token that says nothing by itself.

A session ends when it was idle too long, at its latest moment, at log-out, when the password is set anew, and when
its person leaves the roll. What they may do is read from the roll at each request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from canonical.actors import Actor
from store import audit
from store.access import digest, new_token
from store.tables import sessions

SEEN_EVERY = timedelta(minutes=1)
"""Being seen is written down at most so often: a page view is no write."""


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in of one person; `via`: `password`, or the issuer who vouched for them."""

    name: str
    via: str
    made_at: datetime
    seen_at: datetime
    expires_at: datetime


def begin(tx: Connection, name: str, via: str, now: datetime, lifetime: timedelta) -> str:
    """A new session; returns its token, which stands nowhere else. Sessions that ran out are swept."""
    token = new_token()
    tx.execute(delete(sessions).where(sessions.c.expires_at <= now))
    row = {"name": name, "via": via, "made_at": now, "seen_at": now, "expires_at": now + lifetime}
    tx.execute(insert(sessions).values(token_hash=digest(token), **row))
    return token


def find(tx: Connection, token: str, now: datetime, idle: timedelta) -> Session | None:
    """The session of a token; None where there is none that still holds."""
    row = tx.execute(
        select(sessions).where(
            sessions.c.token_hash == digest(token), sessions.c.expires_at > now, sessions.c.seen_at > now - idle
        )
    ).one_or_none()
    return Session(row.name, row.via, row.made_at, row.seen_at, row.expires_at) if row else None


def seen(tx: Connection, token: str, now: datetime) -> None:
    """Somebody is at work: the idle time begins anew."""
    tx.execute(update(sessions).where(sessions.c.token_hash == digest(token)).values(seen_at=now))


def end(tx: Connection, token: str) -> bool:
    """Log out; False where the session had ended."""
    return tx.execute(delete(sessions).where(sessions.c.token_hash == digest(token))).rowcount > 0


def end_everywhere(tx: Connection, name: str, by: Actor | str, now: datetime) -> int:
    """End every session of a person; how many."""
    ended = tx.execute(delete(sessions).where(sessions.c.name == name)).rowcount
    if ended:
        audit.append(tx, now, by, "sessions ended", f"person/{name}", detail={"sessions": ended})
    return ended
