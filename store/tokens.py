"""Tokens of machines: each opens one kind of door for so long. The store holds a hash; the token is shown once.

Making, revoking and using one stand in the audit trail, and so does every token that was refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from canonical.actors import Actor, Scope
from canonical.errors import MillstreamError
from store import audit
from store.access import digest, new_token
from store.tables import machine_tokens

PREFIX = "ms_"
"""So that a token is known for what it is, in a mail or a repository where it should not stand."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
LONGEST = 366


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; `uses` and `used_at` follow within minutes."""

    name: str
    scope: Scope
    made_at: datetime
    made_by: str
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None
    uses: int

    def holds(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and self.expires_at > now

    @property
    def actor(self) -> str:
        """Who acts with it, as the audit trail has it."""
        return f"token:{self.name}"


def make(tx: Connection, name: str, scope: Scope, by: Actor | str, now: datetime, *, days: int) -> str:
    """A new token, which stands nowhere else. The name of one that holds no more may be given again.

    Raises `MillstreamError` for a name that is none or is taken, and for more days than `LONGEST`.
    """
    if not _NAME.fullmatch(name):
        raise MillstreamError(f"{name!r} cannot name a token", hint="a-z, 0-9, dot, dash and underscore")
    if not 1 <= days <= LONGEST:
        raise MillstreamError(f"a token holds for 1 to {LONGEST} days", key=name)
    standing = named(tx, name)
    if standing is not None and standing.holds(now):
        raise MillstreamError("there is a token of that name", key=name, hint="revoke it first, or take another name")
    token, until = PREFIX + new_token(), now + timedelta(days=days)
    tx.execute(delete(machine_tokens).where(machine_tokens.c.name == name))
    row = {"name": name, "scope": scope, "made_at": now, "made_by": str(by), "expires_at": until, "uses": 0}
    tx.execute(insert(machine_tokens).values(token_hash=digest(token), **row))
    detail = {"scope": scope.value, "until": until.isoformat()}
    audit.append(tx, now, by, "token made", f"token/{name}", detail=detail)
    return token


def revoke(tx: Connection, name: str, by: Actor | str, now: datetime) -> bool:
    """End a token at once; False where it holds no more or never did."""
    here = (machine_tokens.c.name == name, machine_tokens.c.revoked_at.is_(None), machine_tokens.c.expires_at > now)
    if not tx.execute(update(machine_tokens).where(*here).values(revoked_at=now)).rowcount:
        return False
    audit.append(tx, now, by, "token revoked", f"token/{name}")
    return True


def find(tx: Connection, token: str, now: datetime) -> Token | None:
    """What a token stands for; None where it was never made, ran out or was revoked."""
    row = tx.execute(select(machine_tokens).where(machine_tokens.c.token_hash == digest(token))).one_or_none()
    found = _token(row) if row else None
    return found if found is not None and found.holds(now) else None


def named(tx: Connection, name: str) -> Token | None:
    """The token of a name, whether it still holds or not; None where there was none."""
    row = tx.execute(select(machine_tokens).where(machine_tokens.c.name == name)).one_or_none()
    return _token(row) if row else None


def listed(tx: Connection) -> list[Token]:
    """Every token by name, those that hold no more included."""
    return [_token(row) for row in tx.execute(select(machine_tokens).order_by(machine_tokens.c.name))]


def used(tx: Connection, token: Token, now: datetime, uses: int, address: str) -> None:
    """Write down that a token was used so often since the last time, and from where."""
    changed = {"used_at": now, "uses": machine_tokens.c.uses + uses}
    tx.execute(update(machine_tokens).where(machine_tokens.c.name == token.name).values(**changed))
    detail = {"requests": uses, "address": address}
    audit.append(tx, now, token.actor, "token used", f"token/{token.name}", detail=detail)


def _token(row: Row[Any]) -> Token:
    return Token(
        row.name, Scope(row.scope), row.made_at, row.made_by, row.expires_at, row.revoked_at, row.used_at, row.uses
    )
