"""What pydantic cannot see in a `system.yaml`: names that must stand elsewhere, and the WSDL beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from canonical.entities import ENTITIES
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import Document, Path_, suggest
from connectors.spec import Request, Stream, System, SystemSpec
from connectors.template import names_in

READ_NAMES: Final = frozenset({"since", "since_clause", "columns", "cursor", "offset", "page", "limit"})
"""What the templates of a stream's request may ask for."""
PAGE_NAMES: Final = {"cursor": "cursor", "offset": "offset", "number": "page"}
"""What a request has to ask for, by the kind of its stream's paging."""
WRITE_NAMES: Final = frozenset(
    {"reference", "command_id", "idempotency_key", "payload", "receipts", "existing", "native_id", "native_number"}
)
"""What the templates of a step's request may ask for; a dotted name by its first part."""
LOOK_UP_NAMES: Final = frozenset({"reference", "references_clause", "columns", "native_id"})
BATCH_NAMES: Final = frozenset({"items"})
FETCH_NAMES: Final = frozenset({"key", "keys_clause", "columns"})
"""What the request may ask for by which a webhook's keys become records."""


def faults(system: System, document: Document, folder: Path) -> Iterator[Fault]:
    """Entities nobody knows, and placeholders nobody fills; a folder's own `client.py` may fill others."""
    for place, name in (("streams", system.streams), ("operations", system.operations)):
        for key, declared in name.items():
            if declared.entity not in ENTITIES:
                message = f"unknown entity {declared.entity!r}"
                hint = suggest(declared.entity, ENTITIES) or f"known: {', '.join(sorted(ENTITIES))}"
                yield document.fault((place, key, "entity"), message, hint)
    if not (folder / "client.py").exists():
        for path, request, known in _requests(system):
            yield from _template_faults(path, request, known, document)
        for stream_name, stream in system.streams.items():
            yield from _paging_faults(("streams", stream_name), stream, document)


def _requests(system: System) -> Iterator[tuple[Path_, Request, frozenset[str]]]:
    """Every declared request, where it stands, and what its templates may ask for."""
    for name, stream in system.streams.items():
        yield ("streams", name, "request"), stream.request, READ_NAMES
    for name, operation in system.operations.items():
        for step_name, step in operation.steps.items():
            path = ("operations", name, "steps", step_name)
            yield (*path, "request"), step.request, WRITE_NAMES
            if step.batch:
                yield (*path, "batch", "request"), step.batch.request, BATCH_NAMES
        look_up = operation.look_up
        if look_up and look_up.request:
            yield ("operations", name, "look_up", "request"), look_up.request, LOOK_UP_NAMES
        if look_up and look_up.version_request:
            yield ("operations", name, "look_up", "version_request"), look_up.version_request, LOOK_UP_NAMES
        if look_up and look_up.batch:
            yield ("operations", name, "look_up", "batch", "request"), look_up.batch.request, LOOK_UP_NAMES
    for place, brought in enumerate(system.webhook.brings if system.webhook else ()):
        if brought.fetch:
            yield ("webhook", "brings", place, "fetch"), brought.fetch, FETCH_NAMES


def _paging_faults(path: Path_, stream: Stream, document: Document) -> Iterator[Fault]:
    """A request that does not say which page it wants gets the first one for ever."""
    needed = PAGE_NAMES.get(stream.paging.kind)
    request = stream.request
    if needed and needed not in names_in([request.path, request.params, request.headers, request.body]):
        hint = f"put {{{needed}}} where the system takes it, or write paging: {{kind: none}}"
        yield document.fault((*path, "paging"), f"nothing in the request asks for {{{needed}}}", hint)


def _template_faults(path: Path_, request: Request, known: frozenset[str], document: Document) -> Iterator[Fault]:
    parts: Mapping[str, object] = {
        "path": request.path, "params": request.params, "headers": request.headers, "body": request.body
    }  # fmt: skip
    for part, template in parts.items():
        for name in sorted({name for name in names_in(template) if name.split(".")[0] not in known}):
            hint = suggest(name, known) or f"known here: {', '.join(sorted(known))}"
            yield document.fault(_place_of(name, (*path, part), template), f"nothing fills {{{name}}}", hint)


def _place_of(name: str, path: Path_, template: object) -> Path_:
    """The key whose text asks for `name`."""
    if isinstance(template, Mapping):
        for key, value in template.items():
            if name in names_in(value):
                return _place_of(name, (*path, str(key)), value)
    return path


def wsdl_faults(found: SystemSpec) -> tuple[Fault, ...]:
    """Whether a WSDL that stands in the folder is there, can be read, and offers what is asked of it.

    Loading zeep takes its time and a warehouse that is gone must not keep the others from work, so that this is
    asked by `millstream check`, and again when the system is opened.
    """
    if found.system.protocol != "soap" or found.system.wsdl is None:
        return ()
    from connectors.soap import offered  # noqa: PLC0415

    try:
        operations = offered(found.folder / found.system.wsdl)
    except ConfigurationError as error:
        return (found.document.fault(("wsdl",), error.message, error.hint),)
    return tuple(
        found.document.fault((*path, "operation"), f"the WSDL has no operation {name!r}", suggest(name, operations))
        for path, request, _ in _requests(found.system)
        if (name := request.operation or "") not in operations
    )
