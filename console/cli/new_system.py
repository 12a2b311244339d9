"""`millstream new system NAME`: the folders of a new system, drafted from a sample; nothing that stands is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from canonical.strict_yaml import suggest
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from connectors.sampling import Sample
    from console.cli.scaffold import Wanted

Caller = Annotated[Terminal, Parameter(parse=False)]
Role = Literal["crm", "erp", "mes", "wms", "other"]
AuthKind = Literal["bearer", "basic", "api_key", "oauth2_client_credentials", "ws_security_username", "none"]
WEB = ("http://", "https://")


def new(
    name: str,
    /,
    *,
    entity: str,
    sample: Annotated[str | None, Parameter(name="--from")] = None,
    role: Role = "other",
    auth: AuthKind = "bearer",
    header: str | None = None,
    stream: str | None = None,
    records: str | None = None,
    timezone: str = "Asia/Shanghai",
    deployment: Path | None = None,
    terminal: Caller,
) -> Exit:
    """Draft connectors/NAME and mappings/NAME from a sample reply, an OpenAPI document or a WSDL.

    Parameters
    ----------
    name
        The system's name: small letters, digits, underscores.
    entity
        What its records are: item, stock, partner, sales_order, …
    sample
        A file, or an address to read one reply from, logged in as --auth says.
    role
        What rules call it.
    auth
        How one logs in.
    header
        The header an api_key goes into. [default: X-API-Key]
    stream
        What the stream is called; for a description, part of the path or operation to draft.
    records
        Where the records stand in the reply, where the longest list is not it.
    timezone
        Of times without an offset.
    deployment
        Also write the least deployment that runs into this file.
    """
    _check(name, entity, terminal)
    log_in = _log_in(name, auth, header, terminal)
    read = _read(name, sample, log_in, stream, records, terminal)
    wanted = _wanted(name, entity, role, log_in, stream, timezone, read)
    answer = _answer(wanted, *_write(wanted, deployment, terminal)) | {"stream": _missing_stream(wanted, terminal)}
    terminal.answer(answer, lambda: _draw(terminal, answer, wanted, deployment))
    return Exit.OK


def _log_in(name: str, auth: str, header: str | None, terminal: Terminal) -> dict[str, Any]:
    from console.cli.scaffold import auth_of

    if header and auth != "api_key":
        raise ConfigurationError(terminal.say("new.header"))
    return auth_of(name, auth, header)


def _check(name: str, entity: str, terminal: Terminal) -> None:
    from canonical.entities import ENTITIES

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigurationError(terminal.say("new.name", name=name))
    if entity not in ENTITIES:
        known = ", ".join(sorted(ENTITIES))
        raise ConfigurationError(terminal.say("new.entity", entity=entity, known=known), hint=suggest(entity, ENTITIES))


def _answer(wanted: Wanted, written: list[str], kept: list[str]) -> dict[str, Any]:
    from mappings.proposing import FILL_IN

    draft = wanted.draft
    return {
        "system": wanted.name, "entity": draft.entity, "written": written, "kept": kept,
        "variables": list(wanted.variables),
        "open": [one.name for one in draft.fields if one.source == FILL_IN],
        "unclear": {one.name: list(one.unclear) for one in draft.fields if one.unclear},
        "unknown_units": list(draft.unknown_units),
    }  # fmt: skip


def _read(  # noqa: PLR0917 - all that says how a sample is read
    name: str,
    sample: str | None,
    auth: Mapping[str, Any],
    stream: str | None,
    records: str | None,
    terminal: Terminal,
) -> Sample:
    from pydantic import TypeAdapter

    from connectors.sampling import Sample, fetched, read
    from connectors.spec import AuthSpec

    if sample is None:
        return Sample("rest", {})
    if sample.startswith(WEB):
        spec: AuthSpec = TypeAdapter(AuthSpec).validate_python(auth)
        content = fetched(name, sample, spec, terminal.environ)
    else:
        try:
            content = Path(sample).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{sample}: {error}") from None
    return read(content, sample if sample.startswith(WEB) else "", stream=stream or "", records=records)


def _wanted(  # noqa: PLR0917 - the pieces of one draft
    name: str, entity: str, role: str, auth: Mapping[str, Any], stream: str | None, timezone: str, sample: Sample
) -> Wanted:
    from console.cli.scaffold import Wanted
    from mappings.proposing import propose

    called = stream or sample.path.rstrip("/").rpartition("/")[2]
    called = sample.operation or called
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", called).lower()).strip("_")
    return Wanted(name, role, plain or f"{entity}s", auth, timezone, sample, propose(entity, sample.fields))


def _write(wanted: Wanted, deployment: Path | None, terminal: Terminal) -> tuple[list[str], list[str]]:
    """Write what is not there yet: (written, kept as they stand)."""
    from connectors.registry import FOLDER
    from console.cli.scaffold import deployment as least
    from console.cli.scaffold import files

    drafted = {FOLDER.parent / path: text for path, text in files(wanted, terminal.say).items()}
    if deployment is not None:
        drafted[deployment.absolute()] = least(wanted.name, wanted.role)
    kept = [str(path) for path in drafted if path.exists()]
    for path, text in drafted.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return [str(path) for path in drafted if str(path) not in kept], kept


def _missing_stream(wanted: Wanted, terminal: Terminal) -> str | None:
    """The drafted stream, where the `system.yaml` that stands lacks it; a faulty one is for `check` to tell."""
    from connectors.registry import FOLDER, load_system
    from console.cli.scaffold import stream_of

    try:
        standing = load_system(wanted.name, FOLDER).system.streams
    except ConfigurationError:
        return None
    return None if wanted.stream in standing else stream_of(wanted, terminal.say)


def _draw(terminal: Terminal, answer: dict[str, Any], wanted: Wanted, deployment: Path | None) -> None:
    for path in answer["written"]:
        terminal.line("new.written", path=path)
    for path in answer["kept"]:
        terminal.line("new.kept", path=path)
    if answer["stream"]:
        terminal.line("new.stream")
        terminal.text(answer["stream"].rstrip())
    if answer["unknown_units"] and any(path.endswith("units.yaml") for path in answer["kept"]):
        terminal.line("new.codes", codes=", ".join(answer["unknown_units"]))
    terminal.line()
    terminal.line("new.next")
    for variable in wanted.variables:
        terminal.text(f"  export {variable}=…")
    if deployment is None:
        terminal.line("new.deploy", name=wanted.name, role=wanted.role)
    else:
        terminal.text(f"  export MILLSTREAM_DEPLOYMENT={deployment.absolute()}")
    terminal.text("  millstream check")
    terminal.text(f"  millstream probe {wanted.name} {wanted.stream}")
