"""The files of a new system, drafted: each is complete, loads, and says in the reader's language what is still open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sampling import Sample
from mappings.proposing import FILL_IN, Draft, Drafted

Say = Callable[..., str]
AUTHS: Mapping[str, Mapping[str, str]] = {
    "bearer": {"token": "TOKEN"},
    "basic": {"user": "USER", "password": "PASSWORD"},
    "api_key": {"key": "KEY"},
    "oauth2_client_credentials": {"client_id": "CLIENT_ID", "client_secret": "CLIENT_SECRET"},
    "ws_security_username": {"user": "USER", "password": "PASSWORD"},
    "none": {},
}
"""Kind of log-in → its keys, and how their environment variables end."""
QUALITY = (
    "secrets_by_name", "streams_followed", "deletions_noticed", "exact_numbers", "delivery_classes",
    "looked_up_by_reference", "replies_echo_reference", "session_renewed", "retry_after_honoured",
    "tested_against_sandbox", "tested_hostile", "tested_against_vendor", "batch_writes", "webhooks",
)  # fmt: skip
_JOINTS = str.maketrans("", "", "_./")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
COLUMN = 72
"""Where remarks stand."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for, and what their sample shows."""

    name: str
    role: str
    stream: str
    auth: Mapping[str, Any]
    timezone: str
    sample: Sample
    draft: Draft

    def variable(self, suffix: str) -> str:
        """The name of an environment variable of this system."""
        return f"MILLSTREAM_{self.name.upper()}_{suffix}"

    @property
    def variables(self) -> tuple[str, ...]:
        """Every environment variable the connection needs."""
        return (self.variable("URL"), *(self.variable(suffix) for suffix in AUTHS[self.auth["kind"]].values()))


def auth_of(name: str, kind: str, header: str | None = None) -> dict[str, Any]:
    """The `auth` of a new system, its secrets by name; `header` is where an API key goes."""
    named = {key: {"env": f"MILLSTREAM_{name.upper()}_{suffix}"} for key, suffix in AUTHS[kind].items()}
    said = {"token_path": "/oauth/token"} if kind.startswith("oauth2") else {"header": header} if header else {}
    return {"kind": kind, **said, **named}


def files(wanted: Wanted, say: Say) -> dict[str, str]:
    """Path below the root of the sources → content."""
    connector, mapping = f"connectors/{wanted.name}", f"mappings/{wanted.name}"
    return {
        f"{connector}/system.yaml": _lines(_system(wanted, say)),
        f"{connector}/README.md": _lines(_readme(wanted, say)),
        f"{connector}/quality_scale.yaml": _lines(_quality(say)),
        f"{mapping}/units.yaml": _lines(_units(wanted.draft, say)),
        f"{mapping}/{wanted.draft.entity}.inbound.yaml": _lines(_mapping(wanted, say)),
    }


def deployment(name: str, role: str) -> str:
    """The least deployment that runs: this system alone."""
    return _lines(
        ["name: plant", "systems:", f"  {name}: {{role: {role}}}", f"sales_order_system: {name}", "rulebooks: []"]
    )


def stream_of(wanted: Wanted, say: Say) -> str:
    """The stream alone, to be put under `streams` of a `system.yaml` that stands."""
    return _lines(_stream(wanted, say))


def _lines(lines: Any) -> str:  # noqa: ANN401 - any iterable of lines
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Text as YAML has it, quoted unless it is plain."""
    plain = value.isdigit() or (value.translate(_JOINTS).isalnum() and not value[:1].isdigit())
    return value if plain and value.lower() not in _WORDS else _quoted(value)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flow(pairs: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_text(name)}: {_text(said)}" for name, said in pairs.items()) + "}"


def _remarked(line: str, remark: str) -> str:
    return f"{line.ljust(COLUMN)}  # {remark}" if remark else line


def _system(wanted: Wanted, say: Say) -> Iterator[str]:
    sample = wanted.sample
    yield f"# {say('new.system')}"
    yield f"system: {wanted.name}"
    yield f"role: {wanted.role}"
    yield f"product: {wanted.name}"
    yield f"protocol: {sample.protocol}"
    yield _remarked(f"timezone: {wanted.timezone}", say("new.timezone"))
    yield f"base_url: {{env: {wanted.variable('URL')}}}"
    if sample.protocol == "soap":
        yield _remarked(f"soap_path: {_text(sample.path)}", say("new.wsdl"))
    yield ""
    yield "auth:"
    for key, said in wanted.auth.items():
        yield f"  {key}: {said if isinstance(said, str) else _flow(said)}"
    yield ""
    yield _remarked("limits: {timeout_seconds: 20, requests_per_second: 10, concurrency: 2}", say("new.limits"))
    yield ""
    yield "streams:"
    yield from _stream(wanted, say)


def _stream(wanted: Wanted, say: Say) -> Iterator[str]:
    sample, draft = wanted.sample, wanted.draft
    soap = sample.protocol == "soap"
    yield f"  {wanted.stream}:"
    yield f"    entity: {draft.entity}"
    yield "    request:"
    yield f"      operation: {sample.operation}" if soap else _path(sample.path, say)
    if sample.asked:
        yield _remarked(f"      {'body' if soap else 'params'}: {_flow(sample.asked)}", "")
    yield f"    records: {_text(sample.records)}"
    yield _remarked(f"    paging: {_flow(sample.paging)}", _paging(sample.paging["kind"], say))
    if sample.since and draft.changed_at:
        yield f"    watermark: {{field: {_text(draft.changed_at)}}}"
    else:
        yield f"    # {say('new.since')}"
        yield f"    # watermark: {{field: {draft.changed_at or FILL_IN}}}"
    yield _remarked("    complete: true", say("new.complete"))


def _path(path: str, say: Say) -> str:
    """A saved reply does not say where it came from."""
    return _remarked(f"      path: {_text(path)}", say("new.path") if path == "/" else "")


def _paging(kind: str, say: Say) -> str:
    asks = {"none": "new.paging", "number": "new.pages", "offset": "new.size"}
    return say(asks[kind]) if kind in asks else ""


def _mapping(wanted: Wanted, say: Say) -> Iterator[str]:
    draft = wanted.draft
    yield f"# {say('new.mapping')}"
    yield f"entity: {draft.entity}"
    yield f"stream: {wanted.stream}"
    if draft.native_id:
        yield f"native_id: {_text(draft.native_id)}"
    if draft.changed_at:
        yield f"changed_at: {_text(draft.changed_at)}"
    yield "fields:"
    for one in draft.fields:
        yield _remarked(f"  {one.name}: {_source(one)}", _remark(one, say))
    if draft.open:
        yield f"# {say('new.open', fields=', '.join(draft.open))}"
    if draft.left:
        yield f"# {say('new.left', fields=', '.join(draft.left))}"


def _source(one: Drafted) -> str:
    if not one.codes:
        return _text(one.source)
    boolean = one.kind.startswith("true")
    codes = ", ".join(f"{_quoted(code)}: {said if boolean else _text(said)}" for code, said in one.codes.items())
    return f"{{from: {_text(one.source)}, map: {{{codes}}}}}"


def _remark(one: Drafted, say: Say) -> str:
    if one.source == FILL_IN:
        return say("new.needed", kind=one.kind)
    if one.unclear:
        return say("new.unclear", codes=", ".join(one.unclear), kind=one.kind)
    return one.kind


def _units(draft: Draft, say: Say) -> Iterator[str]:
    yield f"# {say('new.units')}"
    if draft.units:
        yield f"units: {{{', '.join(f'{_quoted(code)}: {unit}' for code, unit in draft.units.items())}}}"
    else:
        yield "units: {}"
    for code in draft.unknown_units:
        yield f"# {_quoted(code)}: {FILL_IN}"


def _quality(say: Say) -> Iterator[str]:
    yield f"# {say('new.quality')}"
    yield "rules:"
    yield "  secrets_by_name: {status: done}"
    for rule in QUALITY[1:]:
        yield f"  {rule}: {{status: todo, reason: {_quoted(say('new.todo'))}}}"


def _readme(wanted: Wanted, say: Say) -> Iterator[str]:
    yield f"# {wanted.name}"
    yield ""
    yield say("new.readme")
    yield ""
    yield f"{say('new.set')} {', '.join(f'`{name}`' for name in wanted.variables)}."
