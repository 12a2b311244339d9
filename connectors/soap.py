"""SOAP as declared: zeep builds and reads the envelopes, our own wire carries them.

zeep never opens a connection itself. The WSDL stands in the connector's folder, so that what a system
offers is pinned; only where none is vendored it is fetched from the system.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import zeep
import zeep.exceptions
from lxml import etree
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

from canonical.errors import (
    ConfigurationError,
    OutcomeUnknown,
    StreamHalted,
    SystemUnavailable,
    TransientError,
    UnmappableRecord,
)
from connectors.auth import Auth, FixedHeaders
from connectors.declared import DeclaredConnector
from connectors.reading import Known
from connectors.spec import EnvName, Request, SystemSpec, WsSecurity
from connectors.template import fill
from connectors.transport import Message, Reply, Wire

_UNREADABLE = (zeep.exceptions.Error, etree.XMLSyntaxError, ValueError, TypeError, AttributeError)


class SoapConnector(DeclaredConnector):
    """Operations of one WSDL's first port; faults become `{"fault": {"code", "message", "detail"}}`."""

    def __init__(
        self, spec: SystemSpec, wire: Wire, auth: Auth | None = None, *, value: Callable[[EnvName], str]
    ) -> None:
        super().__init__(spec, wire, auth or FixedHeaders({}))
        self._wsdl = spec.folder / spec.system.wsdl if spec.system.wsdl else None
        self._value, self._lock = value, threading.Lock()
        self._client_: zeep.Client | None = None
        if self._wsdl is not None:
            self._client()  # a WSDL we vendor is ours to mend before anything starts

    def exchange(self, request: Request, known: Known, headers: Mapping[str, str], *, writes: bool) -> Reply:
        """One operation; a SOAP fault is a reply like any other and is sorted by its code."""
        client, name = self._client(), request.operation or ""
        envelope = self._envelope(client, name, fill(request.body or {}, known))
        action = client.service._binding.get(name).soapaction  # noqa: SLF001 - zeep offers no other way
        sent = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"', **headers}
        message = Message("POST", self.spec.soap_path, headers=sent, content=etree.tostring(envelope), expects="xml")
        reply = self._wire.send(message, writes=writes)
        return self._understood(client, name, reply, writes=writes) if reply.body else reply

    def _client(self) -> zeep.Client:
        with self._lock:
            if self._client_ is None:
                self._client_ = self._built(self._wsdl_text())
            return self._client_

    def _wsdl_text(self) -> bytes:
        if self._wsdl is not None:
            return _read(self._wsdl)
        message = Message("GET", f"{self.spec.soap_path}?wsdl", expects="xml")
        try:
            reply = self._wire.patiently(lambda: self._wire.send(message, writes=False))
        except TransientError as error:
            raise StreamHalted(f"its WSDL cannot be fetched: {error.message}", system=self.system) from None
        if reply.status != HTTPStatus.OK or not isinstance(reply.body, bytes):
            hint = "save the WSDL in the connector's folder and name it under `wsdl`"
            raise StreamHalted(f"its WSDL is gone (HTTP {reply.status})", system=self.system, hint=hint)
        return reply.body

    def _built(self, wsdl: bytes) -> zeep.Client:
        auth = self.spec.auth
        token = None
        if isinstance(auth, WsSecurity):
            token = UsernameToken(self._value(auth.user), self._value(auth.password))
        return _parsed(wsdl, token, f"{self.system}: {self.spec.wsdl or 'what it serves'}")

    def _envelope(self, client: zeep.Client, name: str, arguments: Mapping[str, Any]) -> etree._Element:
        try:
            message: etree._Element = client.create_message(client.service, name, **arguments)
        except (zeep.exceptions.Error, TypeError, ValueError, AttributeError) as error:
            raise UnmappableRecord(f"{name}: {str(error)[:200]}", system=self.system) from None
        return message

    def _understood(self, client: zeep.Client, name: str, reply: Reply, *, writes: bool) -> Reply:
        binding = client.service._binding  # noqa: SLF001
        raw = SimpleNamespace(
            status_code=reply.status, content=reply.body, headers=dict(reply.headers), encoding="utf-8"
        )
        try:
            result = binding.process_reply(client, binding.get(name), raw)
        except zeep.exceptions.Fault as fault:
            return Reply(max(reply.status, HTTPStatus.BAD_REQUEST), reply.headers, {"fault": _fault(fault)})
        except Exception as error:  # noqa: BLE001 - zeep stumbles in many ways over a reply it does not expect
            message = f"{name}: a reply that does not fit the WSDL ({type(error).__name__})"
            kind = OutcomeUnknown if writes else SystemUnavailable
            raise kind(message, system=self.system) from None
        body = plain(serialize_object(result, dict))
        return Reply(reply.status, reply.headers, body if isinstance(body, dict) else {"value": body})


class _NoDoor(Transport):
    """zeep asks this for imports and calls; it gets nothing."""

    def load(self, url: object) -> bytes:
        """Only what is handed over as a file object is read."""
        if hasattr(url, "read"):
            content: bytes = url.read()
            return content
        raise zeep.exceptions.Error(f"a WSDL may not import {url}")


def _no_door() -> Transport:
    door: Transport = _NoDoor()  # type: ignore[no-untyped-call] # its constructor is zeep's
    return door


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Zeep's values as plain ones: times as ISO text, what was absent left out."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value if isinstance(value, str | int | Decimal | bool | None) else str(value)


def _fault(fault: zeep.exceptions.Fault) -> dict[str, Any]:
    detail: dict[str, str] = {}
    if fault.detail is not None:
        for element in fault.detail.iter():
            if isinstance(element.tag, str) and len(element) == 0 and element.text:
                detail[etree.QName(element).localname] = element.text
    code = str(fault.code or "").rpartition(":")[2]
    return {"code": code, "message": str(fault.message or ""), "detail": detail}


def offered(wsdl: Path) -> tuple[str, ...]:
    """The operations of a WSDL's first port; raise `ConfigurationError` where it cannot be read or used."""
    client = _parsed(_read(wsdl), None, wsdl.name)
    return tuple(sorted(client.service._binding._operations))  # noqa: SLF001 - zeep offers no other way


def _parsed(wsdl: bytes, token: UsernameToken | None, name: str) -> zeep.Client:
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        client = zeep.Client(BytesIO(wsdl), wsse=token, transport=_no_door(), settings=settings)
        _ = client.service  # XML that declares no service is read without a word
    except _UNREADABLE as error:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        hint = "save it anew from the system, without imports"
        raise ConfigurationError(f"{name} cannot be used as a WSDL: {said}", hint=hint) from None
    return client


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        hint = "save the system's WSDL there, or leave `wsdl` out to have it fetched"
        raise ConfigurationError(f"{path.name} is gone: no WSDL stands in {path.parent}", hint=hint) from None
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}") from None
