"""Logging in to Tryton: one session for all threads, renewed once when the server no longer knows it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus

from canonical.errors import AuthenticationFailed, ConfigurationError, RateLimited, SystemUnavailable
from connectors.jsonrpc import call
from connectors.spec import EnvName, Session
from connectors.transport import Reply, Wire


class TrytonSession:
    """Fulfils `connectors.auth.Auth`. Five failed log-ins block the user, so refused ones are not repeated."""

    def __init__(self, spec: Session, value: Callable[[EnvName], str], wire: Wire) -> None:
        if spec.database is None:
            raise ConfigurationError("tryton: auth needs a database", hint="add auth.database to system.yaml")
        self._user, self._password, self._wire = value(spec.user), value(spec.password), wire
        self.path = f"/{value(spec.database)}/rpc/"
        self._lock = threading.Lock()
        self._header: str | None = None

    def headers(self, path: str) -> dict[str, str]:  # noqa: ARG002 - one session for every path
        """The session's header; logs in first where there is none."""
        with self._lock:
            if self._header is None:
                self._wire.patiently(self._log_in)
            return {"Authorization": str(self._header)}

    def expired(self, used: Mapping[str, str]) -> None:
        """Forget the session if it is still the one that was used."""
        with self._lock:
            if used.get("Authorization") == self._header:
                self._header = None

    def _log_in(self) -> None:
        asked = [self._user, {"password": self._password}, "en"]
        reply = call(self._wire, self.path, "common.db.login", asked, {}, writes=False)
        result = reply.body.get("result") if isinstance(reply.body, dict) else None
        if not isinstance(result, list) or not result:
            raise self._refused(reply)
        token = f"{self._user}:{result[0]}:{result[1]}"
        self._header = f"Session {base64.b64encode(token.encode()).decode()}"

    def _refused(self, reply: Reply) -> Exception:
        system = self._wire.system
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited("too many failed log-ins", system=system, retry_after=reply.retry_after)
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return SystemUnavailable(f"log-in answered {reply.status}", system=system)
        if reply.status == HTTPStatus.NOT_FOUND:
            return AuthenticationFailed("there is no such database", system=system, hint="check the database's name")
        return AuthenticationFailed("user or password refused", system=system)
