"""A sample of what a system says, read for whoever connects it: a reply, an OpenAPI document, or a WSDL.

What comes out is a first draft of a stream: how it is asked, where its records stand, and which fields they have.
Nothing is certain here; a person reads it before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from canonical.errors import ConfigurationError
from canonical.strict_json import dumps, loads
from canonical.strict_yaml import parse
from connectors.auth import build
from connectors.spec import AuthSpec, EnvName, Limits
from connectors.transport import Message, Wire

RECORDS_LOOKED_AT = 200
DEPTH = 4
_SINCE = ("since", "after", "modified", "changed", "updated", "from_date")
_CURSORS = ("cursor", "next_cursor", "nextcursor", "next_token", "nexttoken", "next_page_token", "nextpagetoken")
_NEXT = ("next", "next_url", "nextpath", "@odata.nextlink", "nextrecordsurl")
_SIZES = ("per_page", "perpage", "page_size", "pagesize", "limit", "size", "top", "$top", "count")
_PAGES = ("page", "page_no", "pageno", "pagenumber", "page_number")
_OFFSETS = ("offset", "skip", "$skip", "start")
_WSDL, _XSD = "{http://schemas.xmlsoap.org/wsdl/}", "{http://www.w3.org/2001/XMLSchema}"
_SOAP_ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap/}address"
DEFAULT_SIZE = 100
ALONE = "[@]"
"""A reply that is one record itself."""
_ERRORS = ("error", "errors", "errorcode", "error_code", "errmsg", "fault", "exception")
_GOOD = ("ok", "success", "succeeded", "issuccess")


@dataclass(frozen=True, slots=True)
class Sample:
    """A draft of one stream. `fields`: raw path → the values seen, none where only a description was read."""

    protocol: str
    fields: Mapping[str, tuple[str, ...]]
    records: str = "@"
    path: str = "/"
    operation: str | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the request, as templates; of a SOAP operation, its body."""
    paging: Mapping[str, str] = field(default_factory=lambda: {"kind": "none"})
    since: bool = False
    """Whether the request asks for what changed since."""


def fetched(system: str, url: str, auth: AuthSpec, environ: Mapping[str, str]) -> bytes:
    """What one address answers, logged in as the connector will be.

    Raises `ConfigurationError` for a credential that is not set or an address that answers otherwise; and what the
    wire raises.
    """
    parts = urlsplit(url)

    def value(name: EnvName) -> str:
        if not environ.get(name.env):
            raise ConfigurationError(f"environment variable {name.env} is not set", hint="set it, or say --auth none")
        return environ[name.env]

    wire = Wire(system, f"{parts.scheme}://{parts.netloc}", Limits())
    try:
        path = parts.path or "/"
        headers = build(auth, value, wire).headers(path)
        message = Message("GET", f"{path}?{parts.query}" if parts.query else path, headers=headers, expects="any")
        reply = wire.send(message, writes=False)
    finally:
        wire.close()
    if reply.status >= 400 or not isinstance(reply.body, bytes):  # noqa: PLR2004 - HTTP's own border
        raise ConfigurationError(f"{system}: {path} answers {reply.status}")
    return reply.body


def read(content: bytes, url: str = "", *, stream: str = "", records: str | None = None) -> Sample:
    """A sample from what was read; `stream` picks the path or operation of a description, `records` where they stand.

    Raises `ConfigurationError` for what is none of the three.
    """
    if content.lstrip()[:1] == b"<":
        return _of_wsdl(content, stream)
    try:
        value = loads(content)
    except ValueError:
        value = parse(content.decode("utf-8", "replace"), "sample").values
    if isinstance(value, dict) and ("openapi" in value or "swagger" in value):
        return _of_openapi(value, stream)
    return _of_reply(value, url, records)


# -- a reply -------------------------------------------------------------------------------------------------------


def _of_reply(value: object, url: str, records: str | None) -> Sample:
    place, rows = _records(value, records)
    if not rows:
        raise ConfigurationError("no list of records in the sample", hint="say where they stand: --records PATH")
    found: dict[str, list[str]] = {}
    for row in rows[:RECORDS_LOOKED_AT]:
        for path, said in _leaves(row):
            seen = found.setdefault(path, [])
            if said is not None and said not in seen:
                seen.append(said)
    parts = urlsplit(url)
    head = value if isinstance(value, dict) else {}
    asked, paging = _paging(dict(parse_qsl(parts.query)), head, len(rows))
    asked, since = _since(asked)
    fields = {path: tuple(said) for path, said in found.items()}
    return Sample("rest", fields, place, parts.path or "/", None, asked, paging, since)


def _records(value: object, wanted: str | None) -> tuple[str, list[Mapping[str, Any]]]:
    """Where a list of objects stands, the longest one, and the list."""
    lists = {
        path: rows
        for path, rows in _lists(value, "")
        if rows and all(isinstance(row, dict) for row in rows) and wanted in {None, path}
    }
    if not lists and isinstance(value, dict) and wanted in {None, ALONE}:
        if wanted is None:
            _is_a_record(value)
        return ALONE, [value]
    place = max(lists, key=lambda path: len(lists[path]), default="@")
    return place or "@", lists.get(place, [])


def _is_a_record(value: Mapping[str, Any]) -> None:
    """An object without records is one itself, unless it says that something failed, or that there are none."""
    failed = any(said and name.lower() in _ERRORS for name, said in value.items())
    if failed or any(said is False and name.lower() in _GOOD for name, said in value.items()):
        raise ConfigurationError(
            f"the sample tells of an error: {dumps(dict(value))[:200]}",
            hint="mend the log-in or the address; one record it is with --records [@]",
        )
    if any(not rows for _, rows in _lists(value, "")):
        raise ConfigurationError(
            "the sample holds an empty list of records",
            hint="take one with records; one record it is with --records [@]",
        )


def _lists(value: object, path: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list):
        yield path or "@", value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _lists(part, f"{path}.{name}" if path else str(name))


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str | None]]:
    """Every plain value of a record under its dotted path; lists are left out."""
    for name, part in value.items():
        place = f"{path}.{name}" if path else str(name)
        if isinstance(part, dict):
            if place.count(".") < DEPTH:
                yield from _leaves(part, place)
        elif not isinstance(part, list):
            said = str(part).lower() if isinstance(part, bool) else None if part is None else str(part)
            yield place, said


def _paging(query: dict[str, str], head: Mapping[str, Any], seen: int) -> tuple[dict[str, str], dict[str, str]]:
    """How further pages are asked for, from the reply's own words and from the query it was asked with."""
    asked = dict(query)
    cursor = next((name for name, said in head.items() if name.lower() in _CURSORS and _text(said)), None)
    if cursor is not None:
        return asked | {_named(query, _CURSORS) or "cursor": "{cursor?}"}, {"kind": "cursor", "at": cursor}
    path = next((name for name, said in head.items() if name.lower() in _NEXT and _text(said)), None)
    if path is not None:
        return asked, {"kind": "next_path", "at": f'"{path}"' if "@" in path else path}
    size = _named(query, _SIZES)
    limit = query[size] if size and query[size].isdigit() and int(query[size]) else str(max(seen, 1))
    if size:
        asked[size] = "{limit}"
    if page := _named(query, _PAGES):
        first = "0" if query[page] == "0" else "1"
        return asked | {page: "{page}"}, {"kind": "number", "limit": limit, "first": first}
    if offset := _named(query, _OFFSETS):
        return asked | {offset: "{offset}"}, {"kind": "offset", "limit": limit}
    return dict(query), {"kind": "none"}


def _text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _named(names: Mapping[str, str], known: tuple[str, ...]) -> str | None:
    return next((name for name in names if name.lower() in known), None)


def _since(asked: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    found = next((name for name in asked if "{" not in asked[name] and _tells_since(name)), None)
    return ({**asked, found: "{since?}"}, True) if found else (dict(asked), False)


def _tells_since(name: str) -> bool:
    return any(word in name.lower() for word in _SINCE)


# -- an OpenAPI document -------------------------------------------------------------------------------------------


def _of_openapi(document: Mapping[str, Any], stream: str) -> Sample:
    """The GET that lists records, its path named by `stream`."""
    gets = {path: spec["get"] for path, spec in document.get("paths", {}).items() if "get" in spec and "{" not in path}
    chosen = _chosen(gets, stream, "path")
    schema = _answer(document, gets[chosen])
    place, record = _described_list(document, schema)
    names = {one["name"]: "" for one in gets[chosen].get("parameters", []) if one.get("in") == "query"}
    properties = _resolved(document, schema).get("properties", {})
    size = dict.fromkeys((name for name in names if name.lower() in _SIZES), str(DEFAULT_SIZE))
    asked, paging = _paging({**names, **size}, dict.fromkeys(properties), DEFAULT_SIZE)
    asked, since = _since(asked)
    fields = dict.fromkeys(_properties(document, record), ())
    asked = {name: said for name, said in asked.items() if "{" in said}
    return Sample("rest", fields, place, _base_path(document) + chosen, None, asked, paging, since)


def _chosen(known: Mapping[str, object], wanted: str, what: str) -> str:
    fitting = [name for name in known if wanted.lower() in name.lower()]
    if len(fitting) == 1 or wanted in known:
        return wanted if wanted in known else fitting[0]
    message = f"the description has {len(fitting)} fitting {what}s"
    raise ConfigurationError(message, hint=f"name one with --stream: {', '.join(sorted(fitting or known))}")


def _base_path(document: Mapping[str, Any]) -> str:
    servers = document.get("servers") or [{}]
    return str(document.get("basePath") or urlsplit(servers[0].get("url", "")).path).rstrip("/")


def _answer(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any]:
    replies = operation.get("responses", {})
    reply = _resolved(document, replies.get("200") or replies.get("default") or {})
    content = reply.get("content", {})
    body = next((content[kind] for kind in content if "json" in kind), reply)
    return _resolved(document, body.get("schema", {}))


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema behind its `$ref`, with the properties of what it is `allOf`."""
    for _ in range(DEPTH):
        if "$ref" not in schema:
            break
        found: Any = document
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found.get(part, {}) if isinstance(found, dict) else {}
        schema = found
    parts = [_resolved(document, one) for one in schema.get("allOf", ())]
    merged = {name: one for part in parts for name, one in part.get("properties", {}).items()}
    return {**schema, "properties": {**merged, **schema.get("properties", {})}} if merged else schema


def _described_list(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if schema.get("type") == "array":
        return "@", _resolved(document, schema.get("items", {}))
    for name, part in schema.get("properties", {}).items():
        inner = _resolved(document, part)
        if inner.get("type") == "array":
            return str(name), _resolved(document, inner.get("items", {}))
    return "[@]", schema


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        place, inner = f"{path}.{name}" if path else str(name), _resolved(document, part)
        if inner.get("properties") and place.count(".") < DEPTH:
            yield from _properties(document, inner, place)
        elif inner.get("type") != "array":
            yield place


# -- a WSDL --------------------------------------------------------------------------------------------------------


def _of_wsdl(content: bytes, stream: str) -> Sample:
    """The operation named by `stream`, of a WSDL that holds its own types (document/literal)."""
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ConfigurationError(f"the sample is no XML: {error}") from None
    if root.tag != f"{_WSDL}definitions":
        raise ConfigurationError("the sample is XML, but no WSDL", hint="for REST give a JSON reply")
    port = root.find(f"{_WSDL}portType")
    operations = {one.get("name", ""): one for one in port.findall(f"{_WSDL}operation")} if port is not None else {}
    chosen = _chosen(operations, stream, "operation")
    schema = _Schema(root)
    inputs = list(schema.children(schema.of_message(operations[chosen].find(f"{_WSDL}input"))))
    records, fields = schema.records(schema.of_message(operations[chosen].find(f"{_WSDL}output")))
    asked, paging = _paging({name: "" for name, _, _ in inputs}, {}, DEFAULT_SIZE)
    cursor = next((name for name in asked if name.lower() in (*_CURSORS, "pagetoken", "page_token")), None)
    following = schema.cursor(operations[chosen].find(f"{_WSDL}output"))
    if cursor is not None and following is not None:
        asked, paging = {**asked, cursor: "{cursor?}"}, {"kind": "cursor", "at": following}
    asked, since = _since(asked)
    asked = {name: said or _said(name) for name, said in asked.items()}
    address = root.find(f".//{_SOAP_ADDRESS}")
    path = urlsplit(address.get("location", "")).path if address is not None else ""
    kept = {name: said for name, said in asked.items() if said}
    return Sample("soap", dict.fromkeys(fields, ()), records, path or "/", chosen, kept, paging, since)


def _said(name: str) -> str:
    return str(DEFAULT_SIZE) if name.lower() in _SIZES else ""


class _Schema:
    """The types of a WSDL, by local name; only what it holds itself is read."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._elements = {one.get("name"): one for one in root.findall(f".//{_XSD}schema/{_XSD}element")}
        self._types = {one.get("name"): one for one in root.findall(f".//{_XSD}schema/{_XSD}complexType")}

    def of_message(self, named: etree._Element | None) -> etree._Element | None:
        """The element a message consists of."""
        wanted = _local(named.get("message", "")) if named is not None else ""
        for message in self._root.findall(f"{_WSDL}message"):
            part = message.find(f"{_WSDL}part")
            if message.get("name") == wanted and part is not None:
                return self._elements.get(_local(part.get("element", "")))
        return None

    def children(self, element: etree._Element | None) -> Iterator[tuple[str, etree._Element, bool]]:
        """Name, element, and whether there may be many, of what an element holds."""
        kind = None if element is None else element.find(f"{_XSD}complexType")
        if kind is None and element is not None:
            kind = self._types.get(_local(element.get("type", "")))
        for one in kind.findall(f".//{_XSD}element") if kind is not None else ():
            named = self._elements.get(_local(one.get("ref", "")), one)
            yield named.get("name", ""), named, one.get("maxOccurs", "1") != "1"

    def records(self, output: etree._Element | None) -> tuple[str, list[str]]:
        """The path of the first element there may be many of, however deep, and the fields of one."""
        waiting = [("", output)]
        while waiting:
            path, element = waiting.pop(0)
            for name, inner, many in self.children(element):
                place = f"{path}.{name}" if path else name
                if many:
                    return f"{place} || `[]`", list(self._fields(inner))
                if place.count(".") < DEPTH:
                    waiting.append((place, inner))
        raise ConfigurationError("the operation answers no list of records", hint="name another with --stream")

    def cursor(self, output: etree._Element | None) -> str | None:
        """Where the reply names the next page's token."""
        names = (name for name, _, _ in self.children(self.of_message(output)))
        return next((name for name in names if name.lower() in _CURSORS), None)

    def _fields(self, element: etree._Element, path: str = "") -> Iterator[str]:
        for name, inner, many in self.children(element):
            place = f"{path}.{name}" if path else name
            below = list(self._fields(inner, place)) if not many and place.count(".") < DEPTH else []
            yield from below or ([] if many else [place])


def _local(name: str) -> str:
    return name.rpartition(":")[2]
