"""The WSDL is the contract: soapbar's signatures, types and body validation are all derived from `wms.wsdl`.

soapbar 0.21 serves SOAP, WS-Security and nested arrays well, but four things it cannot do alone, and
each is done here in the least surprising place:

- The WSDL it generates from Python signatures leaves out complex types, `minOccurs` and faults, so
  the file beside this module is served instead (`custom_wsdl`) and parsed for the signatures.
- Its parser takes the items of a repeated element for strings when their type is declared in the
  same schema: `definition` gives each array the type its WSDL names.
- It validates bodies against its generated schema only: `Application` compiles the served one.
- It answers a missing or wrong token with a bare `Client` fault: `Application` and `Guard` answer
  `wsse:FailedAuthentication`, with the prefix declared.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree
from soapbar.core.binding import OperationParameter, OperationSignature
from soapbar.core.envelope import SoapEnvelope
from soapbar.core.fault import SoapFault
from soapbar.core.namespaces import NS
from soapbar.core.types import ArrayXsdType, ComplexXsdType
from soapbar.core.wsdl import WsdlDefinition
from soapbar.core.wsdl.parser import parse_wsdl
from soapbar.core.wssecurity import SecurityValidationError, UsernameTokenValidator
from soapbar.core.xml import compile_schema
from soapbar.server.application import SoapApplication
from soapbar.server.service import SoapMethod, SoapService

TNS: Final = "urn:warehouse:services:v2"
WSDL_FILE: Final = Path(__file__).with_name("wms.wsdl")
_PLACEHOLDER: Final = b"http://127.0.0.1/wms"
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
Operation = Callable[..., dict[str, Any]]


def wsdl(address: str) -> bytes:
    """The contract with the service's own address in it."""
    return WSDL_FILE.read_bytes().replace(_PLACEHOLDER, address.encode())


class WmsFault(SoapFault):
    """A refusal whose detail is the contract's `WmsFault` element."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        reference: str | None = None,
        existing: str | None = None,
        retryable: bool = False,
    ) -> None:
        """`reference` echoes the caller's; `existing` is the number of the document already there."""
        detail = etree.Element(f"{{{TNS}}}WmsFault", nsmap={"wms": TNS})
        fields = {"code": code, "retryable": str(retryable).lower(), "reference": reference, "existingNumber": existing}
        for name, text in fields.items():
            if text is not None:
                etree.SubElement(detail, f"{{{TNS}}}{name}").text = text
        super().__init__("Server" if retryable else "Client", message, detail=detail)
        self.code = code


class FailedAuthentication(SoapFault):
    """The WS-Security fault for a token that is missing or wrong."""

    def __init__(self) -> None:
        """Say the same for every cause, so that nothing can be learnt by trying."""
        super().__init__("wsse:FailedAuthentication", "The security token could not be authenticated or authorized")

    def to_soap11_element(self) -> etree._Element:
        """The fault with the `wsse` prefix of its code declared."""
        plain = super().to_soap11_element()
        fault = etree.Element(plain.tag, nsmap={"soapenv": NS.SOAP_ENV, "wsse": NS.WSSE})
        fault.extend(list(plain))
        return fault


class Guard(UsernameTokenValidator):
    """Accepts one user by PasswordText or PasswordDigest."""

    def __init__(self, user: str, password: str) -> None:
        """Keep the one account there is."""
        super().__init__()
        self._user, self._password = user, password

    def get_password(self, username: str) -> str | None:
        """The password of that user, or None for anyone else."""
        return self._password if secrets.compare_digest(username.encode(), self._user.encode()) else None

    def validate(self, security_element: etree._Element) -> str:
        """The user's name; FailedAuthentication otherwise."""
        try:
            return super().validate(security_element)
        except (SecurityValidationError, TypeError) as error:
            raise FailedAuthentication from error


class Application(SoapApplication):
    """soapbar's dispatcher bound to this contract."""

    def __init__(self, guard: Guard, operations: Mapping[str, Operation]) -> None:
        """Serve `operations` by the names the WSDL gives them; each takes its request's members as keywords."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # plain HTTP is meant: loopback only
            super().__init__(
                WSDL_FILE.read_bytes(), security_validator=guard, validate_body_schema=True,
                allow_plaintext_credentials=True,
            )  # fmt: skip
        self.register(_Service(definition(), operations))
        # soapbar would compile at the first request; libxml2 sets up its built-in types then, and two threads that
        # do so at once crash the process.
        self._compiled_schema = _compiled()

    def answer(self, body: bytes, soap_action: str, content_type: str) -> tuple[int, str, bytes]:
        """Answer one request: status, content type, body."""
        if _lacks_security(body):
            return 500, "text/xml; charset=utf-8", fault_bytes(FailedAuthentication())
        return self.handle_request(body, soap_action, content_type)


class _Bound:
    """A callable with the signature soapbar looks for."""

    def __init__(self, signature: OperationSignature, operation: Operation) -> None:
        self.__soap_operation__ = signature
        self._operation = operation

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - soapbar's protocol
        return self._operation(*args, **kwargs)


class _Service(SoapService):
    __service_name__ = "WarehouseService"
    __tns__ = TNS

    def __init__(self, definition: WsdlDefinition, operations: Mapping[str, Operation]) -> None:
        self._bound: dict[str, SoapMethod] = {
            name: _Bound(signature(definition, name), operation) for name, operation in operations.items()
        }

    def get_operations(self) -> dict[str, SoapMethod]:
        return self._bound


def definition() -> WsdlDefinition:
    """The WSDL as soapbar reads it, with every repeated element bound to the type it is declared with."""
    parsed = parse_wsdl(WSDL_FILE.read_bytes())
    for element in _declared().iterfind(f".//{_XSD}complexType/{_XSD}sequence/{_XSD}element[@maxOccurs]"):
        owner = element.getparent().getparent().get("name")  # type: ignore[union-attr]
        type_ = parsed.complex_types[str(owner)]
        assert isinstance(type_, ComplexXsdType)
        array = dict(type_.fields)[str(element.get("name"))]
        assert isinstance(array, ArrayXsdType)
        array.element_type = parsed.complex_types[str(element.get("type")).partition(":")[2]]
    return parsed


def signature(definition: WsdlDefinition, name: str) -> OperationSignature:
    """The operation's signature as the WSDL declares it. Presence is left to the schema, which knows `minOccurs`."""
    return OperationSignature(
        name=name,
        input_params=_members(definition, name),
        output_params=_members(definition, f"{name}Response"),
        soap_action=f"{TNS}/{name}",
        input_namespace=TNS,
        output_namespace=TNS,
    )


def _members(definition: WsdlDefinition, element: str) -> list[OperationParameter]:
    found = _declared().find(f".//{_XSD}schema/{_XSD}element[@name='{element}']")
    assert found is not None, element
    type_ = definition.complex_types[str(found.get("type")).partition(":")[2]]
    assert isinstance(type_, ComplexXsdType)
    resolve = definition.type_registry.resolve
    return [
        OperationParameter(name, resolve(kind) if isinstance(kind, str) else kind, required=False)
        for name, kind in type_.fields
    ]


def _compiled() -> etree.XMLSchema:
    schema = _declared().find(f".//{_XSD}schema")
    assert schema is not None
    return compile_schema(schema)


def _declared() -> etree._Element:
    return etree.fromstring(WSDL_FILE.read_bytes())


def fault_bytes(fault: SoapFault) -> bytes:
    """A whole SOAP 1.1 envelope around a fault."""
    return etree.tostring(fault.to_soap11_envelope(), xml_declaration=True, encoding="utf-8")


def _lacks_security(body: bytes) -> bool:
    """True for a readable envelope without a Security header; what cannot be read is left to soapbar to refuse."""
    try:
        return SoapEnvelope.from_xml(body).ws_security_element is None
    except (ValueError, SyntaxError, SoapFault):
        return False
