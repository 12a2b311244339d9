"""How people come in: passwords, one-time links, identities, and the limit on failed attempts.

Secrets never stand here: a password as its argon2 hash, a link as the hash of its token.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from canonical.actors import Actor
from store import audit
from store.statements import insert_new, upsert
from store.tables import failed_log_ins, identities, password_links, passwords, sessions

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Link:
    """A standing one-time link: whose password it sets, and until when."""

    name: str
    expires_at: datetime


def new_token() -> str:
    """A secret nobody can guess, fit for an address or a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What the store keeps of a token; tokens are long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def password_hash(tx: Connection, name: str) -> str | None:
    """The hash of somebody's password; None where they have none."""
    return tx.execute(select(passwords.c.hash).where(passwords.c.name == name)).scalar_one_or_none()


def with_password(tx: Connection) -> frozenset[str]:
    """Everybody who has a password."""
    return frozenset(tx.execute(select(passwords.c.name)).scalars())


def rehash(tx: Connection, name: str, hashed: str, now: datetime) -> None:
    """The same password under today's cost."""
    upsert(tx, passwords, [{"name": name, "hash": hashed, "set_at": now}], ["hash"])


def make_link(tx: Connection, name: str, by: Actor | str, now: datetime, lifetime: timedelta) -> str:
    """A new one-time token with which `name` sets their password; earlier links of theirs end."""
    token = new_token()
    tx.execute(delete(password_links).where(password_links.c.name == name))
    until = now + lifetime
    row = {"name": name, "made_at": now, "made_by": str(by), "expires_at": until}
    tx.execute(insert(password_links).values(token_hash=digest(token), **row))
    audit.append(tx, now, by, "password link made", f"person/{name}", detail={"until": until.isoformat()})
    return token


def link(tx: Connection, token: str, now: datetime) -> Link | None:
    """The link a token stands for; None where it is spent, expired or was never made."""
    query = select(password_links.c.name, password_links.c.expires_at).where(
        password_links.c.token_hash == digest(token), password_links.c.expires_at > now
    )
    row = tx.execute(query).one_or_none()
    return Link(row.name, row.expires_at) if row else None


def set_password(tx: Connection, token: str, hashed: str, now: datetime) -> str | None:
    """Spend a link: whose password it set, with every session of theirs ended; None where the link is no more."""
    standing = link(tx, token, now)
    if standing is None:
        return None
    name = standing.name
    if not tx.execute(delete(password_links).where(password_links.c.token_hash == digest(token))).rowcount:
        return None  # somebody else spent it in this moment
    upsert(tx, passwords, [{"name": name, "hash": hashed, "set_at": now}], ["hash", "set_at"])
    tx.execute(delete(sessions).where(sessions.c.name == name))
    audit.append(tx, now, f"person:{name}", "password set", f"person/{name}")
    return name


def bound_name(tx: Connection, issuer: str, subject: str) -> str | None:
    """Who an identity of a provider is here; None before their first log-in."""
    here = (identities.c.issuer == issuer, identities.c.subject == subject)
    return tx.execute(select(identities.c.name).where(*here)).scalar_one_or_none()


def bind(tx: Connection, issuer: str, subject: str, name: str, now: datetime) -> bool:
    """Let an identity be a person from now on; False where the person is bound to another one there."""
    row = {"issuer": issuer, "subject": subject, "name": name, "bound_at": now}
    if not insert_new(tx, identities, row):
        return False
    detail = {"issuer": issuer, "subject": subject}
    audit.append(tx, now, f"person:{name}", "identity bound", f"person/{name}", detail=detail)
    return True


def note_failure(tx: Connection, subjects: Iterable[str], now: datetime, kept: timedelta) -> None:
    """Count one failed log-in against each subject (`name:li.wei`, `address:10.0.0.7`); old ones are forgotten."""
    tx.execute(delete(failed_log_ins).where(failed_log_ins.c.at < now - kept))
    tx.execute(insert(failed_log_ins), [{"subject": subject, "at": now} for subject in subjects])


def failures(tx: Connection, subject: str, since: datetime) -> int:
    """How often a subject failed since then."""
    here = (failed_log_ins.c.subject == subject, failed_log_ins.c.at >= since)
    return tx.execute(select(func.count()).where(*here)).scalar_one()


def forgive(tx: Connection, subject: str) -> None:
    """A log-in went well: what failed before counts no more."""
    tx.execute(delete(failed_log_ins).where(failed_log_ins.c.subject == subject))


def forget(tx: Connection, name: str) -> None:
    """Take every way in from a person who leaves the roll."""
    for table in (passwords, password_links, identities, sessions):
        tx.execute(delete(table).where(table.c.name == name))
