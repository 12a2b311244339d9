"""The one way out: a wire to one system's host and port, and to nothing else.

The wire never follows a redirect, reads at most so many bytes within so many seconds, keeps no cookies,
logs neither bodies nor headers, and tells whether a failed request was surely not carried out.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as Urllib3SslError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from canonical.errors import ConfigurationError, OutcomeUnknown, StreamHalted, SystemUnavailable, TransientError
from canonical.strict_json import loads
from connectors.brakes import RateLimit
from connectors.circuit import Breaker, Circuit, CircuitOpen, Unreachable
from connectors.shared import shared_at
from connectors.spec import Limits

Format = Literal["json", "xml", "any"]
ResultT = TypeVar("ResultT")
_CHUNK = 64 * 1024
UNREACHABLE_ATTEMPTS = 2
UNREACHABLE_PAUSE_SECONDS = 0.3
SILENT_TIMEOUTS = 2.5
"""A read that has used up so many time limits is given up until the next pass."""
_TYPES: Mapping[Format, tuple[str, ...]] = {"json": ("json",), "xml": ("xml",), "any": ("",)}
_ASKS_TO_WAIT = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PORTS = {"http": 80, "https": 443}
ADDRESSES = 128
"""Of those last asked, so many are kept taken apart: operations have few, look-ups many."""
_HEADERS = {"User-Agent": "millstream", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
# At DEBUG it would write each address down, and some vendors' secrets stand in the query.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request. `path` is absolute on the wire's host and may carry a query of its own."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    expects: Format = "json"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `body` is parsed JSON for `json`, bytes otherwise, None where there was none."""

    status: int
    headers: Mapping[str, str]
    body: Any = None

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait as the system asks, from seconds or an HTTP date."""
        text = self.headers.get("Retry-After")
        if text is None:
            return None
        if text.strip().isdigit():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError):
            return None


class Unanswered(OutcomeUnknown):
    """Sent, but nothing came, or not all of it, within the time limit."""


class ClosedDoor(Unreachable):
    """Nobody took the connection within the time limit."""


class _OneHost(HTTPAdapter):
    """What asks one host only looks for its connections once, and reads no cookies it would not keep.

    Measured: a call takes 240 us of the processor instead of 305.
    """

    _pool: ConnectionPool | None = None

    def get_connection_with_tls_context(self, *given: Any, **named: Any) -> ConnectionPool:  # noqa: ANN401 - requests'
        """The connections to the host, which stay the same."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*given, **named)
        return self._pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401 - urllib3's
        """Of a reply what a wire reads."""
        response = requests.Response()
        response.status_code, response.headers = resp.status, CaseInsensitiveDict(resp.headers)
        response.raw, response.url, response.request = resp, req.url or "", req
        return response

    def close(self) -> None:
        """Give the connections back."""
        self._pool = None
        super().close()


class Wire:
    """Safe to use from several threads; one per connection. `heard` is told how the circuit stands, when it changes."""

    def __init__(
        self,
        system: str,
        base_url: str,
        limits: Limits,
        *,
        redis_url: str | None = None,
        ca_file: str | None = None,
        heard: Callable[[Circuit], None] | None = None,
    ) -> None:
        self.system, self.limits = system, limits
        self.base = _checked(system, base_url)
        self._origin = _origin(self.base)
        place = f"{system}:{hashlib.sha256(self.base.encode()).hexdigest()[:12]}"  # no address stands in Redis
        shared = self._shared = shared_at(redis_url, f"millstream:connection:{place}")
        self._rate = RateLimit(system, limits.requests_per_second, place=place, redis_url=redis_url, shared=shared)
        self._breaker = Breaker(system, limits, shared=shared, heard=heard)
        self._room = threading.BoundedSemaphore(limits.concurrency)
        # An adapter without a session around it: no proxies, cookies or .netrc, for nothing else may decide where our
        # secrets go; and none of what a session looks up for each request.
        self._adapter = _OneHost(pool_connections=1, pool_maxsize=limits.concurrency, max_retries=0)
        self._verify = ca_file or True
        self._bare = lru_cache(ADDRESSES)(self._addressed)

    def url(self, path: str) -> str:
        """The full address of a path, or of an address on the same host; raise `StreamHalted` for any other."""
        url = path if "://" in path else self.base + ("" if path.startswith("/") or not path else "/") + path
        if "\\" in url or _origin(url) != self._origin:
            raise StreamHalted("the system sends us to another host", system=self.system)
        return url

    def send(self, message: Message, *, writes: bool) -> Reply:
        """Carry a request out once.

        Raises `SystemUnavailable` or `RateLimited` when it was surely not carried out, or was a read;
        `OutcomeUnknown` when a write may have been.
        """
        self._breaker.check()
        with self._room:
            self._rate.wait(self.limits.timeout_seconds)
            self._breaker.enter()
            reply = self._counted(message, writes=writes)
        if reply.status in _ASKS_TO_WAIT and reply.retry_after is not None:
            self._rate.hold(reply.retry_after)
        return reply

    def _counted(self, message: Message, *, writes: bool) -> Reply:
        """One exchange, its end told to the circuit."""
        try:
            reply = self._exchange(message)
        except (OutcomeUnknown, SystemUnavailable) as error:
            self._breaker.report(worked=False, said=error.message, silent=isinstance(error, Unanswered | ClosedDoor))
            if writes or isinstance(error, SystemUnavailable):
                raise
            raise SystemUnavailable(error.message, system=self.system) from None
        worked = reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
        self._breaker.report(worked=worked, said="" if worked else f"answered {reply.status}")
        return reply

    def patiently(self, read: Callable[[], ResultT]) -> ResultT:
        """Repeat a read while it fails for a passing reason, as long as the system asks to wait."""
        patience = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=self._enough,
            wait=_wait,
            reraise=True,
        )
        return patience(read)

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        """A system that is down or silent is not waited for: its other streams would wait, one after the other."""
        error = _error(state)
        asked = isinstance(error, TransientError) and error.retry_after is not None
        silent = not asked and (state.seconds_since_start or 0) > SILENT_TIMEOUTS * self.limits.timeout_seconds
        down = isinstance(error, Unreachable)
        if isinstance(error, CircuitOpen):
            return True
        return silent or state.attempt_number >= (UNREACHABLE_ATTEMPTS if down else self.limits.read_attempts)

    def connect(self) -> None:
        """Reach the host and port once; raise `SystemUnavailable` when that fails."""
        _, host, port = self._origin
        try:
            socket.create_connection((host, port), timeout=self.limits.connect_seconds).close()
        except OSError as error:
            raise SystemUnavailable(f"cannot connect ({type(error).__name__})", system=self.system) from None

    def close(self) -> None:
        """Give connections back."""
        self._adapter.close()
        if self._shared is not None:
            self._shared.close()

    def _exchange(self, message: Message) -> Reply:
        deadline = time.monotonic() + self.limits.timeout_seconds
        try:
            response = self._adapter.send(
                self._prepared(message),
                stream=True,
                timeout=(self.limits.connect_seconds, self.limits.timeout_seconds),
                verify=self._verify,
            )
        except requests.RequestException as error:
            raise self._failure(error) from None
        try:
            content = self._read(response, deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            kind = Unanswered if isinstance(error, Urllib3Timeout | TimeoutError) else OutcomeUnknown
            raise kind(f"the reply broke off ({type(error).__name__})", system=self.system) from None
        finally:
            response.close()
        return self._parsed(message, response, content)

    def _prepared(self, message: Message) -> requests.PreparedRequest:
        """Made of one without headers and content: taking an address apart takes most of the time."""
        prepared = self._bare(message.method, message.path, tuple(message.params.items())).copy()
        prepared.prepare_headers({**_HEADERS, **message.headers})
        prepared.prepare_body(message.content, None)
        return prepared

    def _addressed(self, method: str, path: str, params: tuple[tuple[str, str], ...]) -> requests.PreparedRequest:
        return requests.Request(method, self.url(path), params=dict(params) or None).prepare()

    def _failure(self, error: requests.RequestException) -> SystemUnavailable | OutcomeUnknown:
        """Never the error's own text: it may quote an address with secrets in it."""
        name = type(error).__name__
        if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
            kind = ClosedDoor if isinstance(error, requests.ConnectTimeout) else Unreachable
            return kind(f"cannot connect ({name})", system=self.system)
        if isinstance(error, requests.Timeout):
            limit = f"{self.limits.timeout_seconds:g} s"
            return Unanswered(f"sent, but no answer came within {limit} ({name})", system=self.system)
        return OutcomeUnknown(f"sent, but no answer came ({name})", system=self.system)

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        parts, size = [], 0
        while part := response.raw.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > self.limits.reply_megabytes * 1024 * 1024:
                raise OutcomeUnknown(f"a reply of more than {self.limits.reply_megabytes} MB", system=self.system)
            if time.monotonic() > deadline:
                raise Urllib3Timeout
        if response.raw.length_remaining:
            raise urllib3.exceptions.IncompleteRead(size, response.raw.length_remaining)
        return b"".join(parts)

    def _parsed(self, message: Message, response: requests.Response, content: bytes) -> Reply:
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        fits = any(part in kind for part in _TYPES[message.expects]) and "html" not in kind
        if not fits:
            if response.ok and content:
                raise OutcomeUnknown(f"answered with {kind or 'an untyped body'}", system=self.system)
            return Reply(response.status_code, response.headers)
        if message.expects != "json" or not content:
            return Reply(response.status_code, response.headers, content or None)
        try:
            return Reply(response.status_code, response.headers, loads(content))
        except ValueError as error:
            raise OutcomeUnknown(f"answered with JSON we refuse: {str(error)[:80]}", system=self.system) from None


def json_content(value: object) -> bytes:
    """JSON with exact numbers: a decimal that no float prints the same goes out as text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        near = float(value)
        return near if Decimal(repr(near)) == value else format(value, "f")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _wait(state: tenacity.RetryCallState) -> float:
    error = _error(state)
    if isinstance(error, Unreachable):
        return UNREACHABLE_PAUSE_SECONDS
    asked = error.retry_after if isinstance(error, TransientError) else None
    backoff = tenacity.wait_exponential_jitter(multiplier=0.2, max=10, jitter=0.2)(state)
    return max(backoff, min(asked or 0, 60))


def _never_connected(error: requests.RequestException) -> bool:
    """Also where the certificate was refused: nothing is sent before the handshake is done."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, NewConnectionError | NameResolutionError):
        return True
    first = reason.args[0] if isinstance(reason, Urllib3SslError) and reason.args else None
    return isinstance(first, ssl.SSLCertVerificationError)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), _PORTS.get(scheme, 0) if port is None else port


def _checked(system: str, base_url: str) -> str:
    """The base address without a trailing slash; metadata services are never a plant system."""
    parts = urlsplit(base_url.strip())
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError(f"{system}: the base URL must be http(s)://host[:port]")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{system}: the base URL may hold neither credentials nor a query")
    if is_link_local(parts.hostname):
        raise ConfigurationError(f"{system}: the base URL names a link-local address")
    return base_url.strip().rstrip("/")


def is_link_local(host: str) -> bool:
    """Also for addresses in disguise: `2852039166` and `0xa9.0xfe.0xa9.0xfe` are 169.254.169.254."""
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    address = ipaddress.ip_address(str(found[0][4][0]).split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local)
