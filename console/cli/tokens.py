"""`millstream tokens`: what machines may ask, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from canonical.actors import Scope
from console.cli.serve import PORT
from console.cli.state import now, opened, settings_of
from console.cli.terminal import Exit, Terminal
from mdm.lookup import ATTRIBUTES
from store import tokens
from store.tokens import Token

Caller = Annotated[Terminal, Parameter(parse=False)]
ScopeName = Literal["match", "reconcile"]


def listed(*, terminal: Caller) -> Exit:
    """List the tokens of machines; what opens doors stands in none of them."""
    with opened(terminal) as store, store.read() as tx:
        found = tokens.listed(tx)
    columns = ("col.name", "col.token_scope", "col.holds_until", "col.state", "col.used", "col.uses", "col.actor")

    def draw() -> None:
        terminal.table(columns, [_line(terminal, one) for one in found])

    terminal.answer([_row(one) for one in found], draw)
    return Exit.OK


def _line(terminal: Terminal, one: Token) -> tuple[Any, ...]:
    scope = terminal.say(f"scope.{one.scope}")
    return one.name, scope, one.expires_at, terminal.say(_state(one)), one.used_at or "", one.uses, one.made_by


def _state(one: Token) -> str:
    if one.revoked_at is not None:
        return "page.tokens.revoked"
    return "tokens.state.holds" if one.holds(now()) else "page.tokens.ended"


def _row(one: Token) -> dict[str, Any]:
    return {
        "name": one.name, "scope": one.scope.value, "made_at": one.made_at, "made_by": one.made_by,
        "expires_at": one.expires_at, "revoked_at": one.revoked_at, "used_at": one.used_at, "uses": one.uses,
        "holds": one.holds(now()),
    }  # fmt: skip


def make(name: str, /, *, scope: ScopeName, days: int = 90, terminal: Caller) -> Exit:
    """Make a token with which a machine asks whether something exists already; it is shown this once.

    Parameters
    ----------
    name
        Who will use it: a-z, 0-9, dot, dash and underscore.
    scope
        match: the match API, with the token in the Authorization header. reconcile: a reconciliation service for
        OpenRefine, with the token in its address.
    days
        How long it holds, at most 366 days.
    """
    public = settings_of(terminal).load_deployment().access.public_url
    place = public or f"http://127.0.0.1:{PORT}"
    with opened(terminal) as store, store.begin() as tx:
        moment = now()
        token = tokens.make(tx, name, Scope(scope), terminal.person, moment, days=days)
    until = moment + timedelta(days=days)
    names = ATTRIBUTES if Scope(scope) is Scope.RECONCILE else ()
    addresses = [f"{place}/reconcile/{token}/{entity}" for entity in names]
    answer = {"name": name, "scope": scope, "token": token, "addresses": addresses, "expires_at": until}

    def draw() -> None:
        terminal.line("tokens.made", name=name, scope=terminal.say(f"scope.{scope}"), until=f"{until:%Y-%m-%d}")
        for one in addresses or [token]:
            terminal.text(one)
        if addresses and public is None:
            terminal.line("address.assumed", port=PORT)

    terminal.answer(answer, draw)
    return Exit.OK


def revoke(name: str, /, *, terminal: Caller) -> Exit:
    """End a token at once.

    Parameters
    ----------
    name
        The token's name.
    """
    with opened(terminal) as store, store.begin() as tx:
        done = tokens.revoke(tx, name, terminal.person, now())
    said = "tokens.revoked" if done else "tokens.unchanged"
    terminal.answer({"name": name, "changed": done}, lambda: terminal.line(said, name=name))
    return Exit.OK
