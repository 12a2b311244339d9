"""Strict YAML: every scalar stays text unless the model asks for more; faults carry file, line and column.

Refused: duplicate keys, aliases and anchors, tags, several documents, files over `MAX_BYTES`, nesting
over `MAX_DEPTH`. A document is loaded twice over the same composed nodes: once as plain values for
pydantic, once as a map of places, so that a fault found by a model points at its line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.reader import ReaderError
from yaml.resolver import Resolver

from canonical.errors import ConfigurationError, Fault

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "seq", "map", "value", "merge"})

ModelT = TypeVar("ModelT", bound=BaseModel)
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain values and where each of them stands."""

    file: str
    values: Any
    places: Mapping[Path_, tuple[int, int]]

    def fault(self, path: Path_, message: str, hint: str | None = None) -> Fault:
        """A fault at the nearest known place above or at `path`."""
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        return Fault(self.file, line, column, message, hint)


class _StrictLoader(Composer, CParser, SafeConstructor, Resolver):
    """Composes nodes only; anchors and aliases are refused before they can grow.

    libyaml reads the events, at a tenth of the time; nodes are composed in Python, where nesting without end is an
    error and not the end of the process.
    """

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        event: Any = self.peek_event()
        refused = (
            "aliases" if self.check_event(yaml.AliasEvent) else "anchors" if getattr(event, "anchor", None) else None
        )
        if refused:
            raise yaml.MarkedYAMLError(problem=f"{refused} are not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def parse(text: str, file: str) -> Document:
    """Parse one YAML document; raise `ConfigurationError` with every fault found."""
    if len(text.encode()) > MAX_BYTES:
        raise ConfigurationError(faults=(_too_large(file),))
    # A scan of the indicators before composing keeps a bomb of brackets from costing seconds.
    if _flow_depth(text) > MAX_DEPTH:
        raise ConfigurationError(faults=(Fault(file, 1, 1, f"nested deeper than {MAX_DEPTH}"),))
    loader = _StrictLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ConfigurationError(faults=(Fault(file, line, column, error.problem or "not YAML"),)) from None
    except ReaderError as error:
        problem = str(error).splitlines()[0]
        raise ConfigurationError(faults=(Fault(file, *_first_unprintable(text), f"not YAML: {problem}"),)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(faults=(Fault(file, 1, 1, f"not YAML: {error}"),)) from None
    finally:
        loader.dispose()
    places: dict[Path_, tuple[int, int]] = {}
    faults: list[Fault] = []
    values = _values(node, (), places, faults, file) if node else {}
    if faults:
        raise ConfigurationError(faults=tuple(faults))
    return Document(file, values, places)


def _flow_depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return deepest


def _values(node: yaml.Node, path: Path_, places: dict[Path_, tuple[int, int]], faults: list[Fault], file: str) -> Any:  # noqa: ANN401
    places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if len(path) > MAX_DEPTH:
        faults.append(Fault(file, *places[path], f"nested deeper than {MAX_DEPTH}"))
        return None
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        faults.append(Fault(file, *places[path], f"tag {node.tag} is not allowed"))
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_values(child, (*path, index), places, faults, file) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places, faults, file)
    return _scalar(node)


def _mapping(
    node: yaml.MappingNode, path: Path_, places: dict[Path_, tuple[int, int]], faults: list[Fault], file: str
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(Fault(file, line, column, "a key must be plain text"))
            continue
        key = str(key_node.value)
        if key in result:
            faults.append(Fault(file, line, column, f"key {key!r} stands twice"))
            continue
        places[(*path, key)] = (line, column)
        result[key] = _values(value_node, (*path, key), places, faults, file)
    return result


def _scalar(node: yaml.Node) -> str | bool | None:
    """Text, except an unquoted `true`, `false` and `null`/empty: `007`, `1.10` and `NO` stay what they are."""
    if getattr(node, "style", None):
        return str(node.value)
    return {"true": True, "false": False, "null": None, "~": None, "": None}.get(node.value, node.value)


def load(path: Path, model: type[ModelT], *, shown_as: str | None = None) -> ModelT:
    """Read a file into a pydantic model; raise `ConfigurationError` listing every fault with its place."""
    model_value, _ = load_document(path, model, shown_as=shown_as)
    return model_value


def read_text(path: Path, shown_as: str | None = None, most: int = MAX_BYTES) -> str:
    """A file's text; raise `ConfigurationError` where it is missing, no UTF-8, or too large, which costs no memory."""
    file = shown_as or str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except FileNotFoundError:
        raise ConfigurationError(faults=(Fault(file, 1, 1, "there is no such file"),)) from None
    except OSError as error:
        raise ConfigurationError(faults=(Fault(file, 1, 1, f"cannot be read: {error.strerror}"),)) from None
    if len(content) > most:
        raise ConfigurationError(faults=(_too_large(file, most),))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        fault = Fault(file, line, column, f"byte 0x{content[error.start]:02x} is no UTF-8", "Save the file as UTF-8")
        raise ConfigurationError(faults=(fault,)) from None


def _too_large(file: str, most: int = MAX_BYTES) -> Fault:
    return Fault(file, 1, 1, f"larger than {most} bytes", "Is this the right file? Else split it")


def load_document(path: Path, model: type[ModelT], *, shown_as: str | None = None) -> tuple[ModelT, Document]:
    """As `load`, with the parsed document, so that later checks can place their faults as well."""
    file = shown_as or str(path)
    document = parse(read_text(path, file), file)
    return checked(document, model), document


def checked(document: Document, model: type[ModelT]) -> ModelT:
    """A parsed file as a model; raise `ConfigurationError` listing every fault with its place."""
    try:
        return model.model_validate(document.values, strict=False)
    except ValidationError as error:
        raise ConfigurationError(faults=tuple(_faults(document, error, model))) from None


def _faults(document: Document, error: ValidationError, model: type[BaseModel]) -> Iterable[Fault]:
    for detail in error.errors(include_url=False, include_input=False):
        path = _path(document.values, detail["loc"])
        if detail["type"] == "extra_forbidden":
            name = str(detail["loc"][-1])
            yield document.fault(path, f"unknown key {name!r}", suggest(name, _field_names(model)))
        elif detail["type"] == "missing":
            yield document.fault(path, f"key {str(detail['loc'][-1])!r} is missing")
        elif detail["type"] == "union_tag_invalid":
            yield _unknown_choice(document, path, detail["ctx"])
        elif detail["type"] in ("model_type", "dict_type"):
            where = ".".join(str(part) for part in path) or "the file"
            yield document.fault(path, f"{where}: keys with values belong here (`key: value`)")
        else:
            where = ".".join(str(part) for part in path)
            said = detail["msg"].removeprefix("Value error, ")
            yield document.fault(path, f"{where}: {said}" if where else said)


def _unknown_choice(document: Document, path: Path_, context: Mapping[str, Any]) -> Fault:
    """A `kind` that names none of the kinds there are."""
    key, given = str(context["discriminator"]).strip("'"), str(context["tag"])
    known = [one.strip(" '") for one in str(context["expected_tags"]).split(",")]
    return document.fault((*path, key), f"unknown {key} {given!r}; known: {', '.join(known)}", suggest(given, known))


def _first_unprintable(text: str) -> tuple[int, int]:
    """Line and column of the first character that YAML does not know."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    before = text[: found.start()] if found else ""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _path(values: object, loc: tuple[str | int, ...]) -> Path_:
    """The parts of `loc` that stand in the document; pydantic puts the tags of unions in between."""
    path: list[str | int] = []
    for step in loc:
        children = _children(values)
        if step in children:
            values = children[step]
            path.append(step)
    return tuple(path)


def _children(values: object) -> Mapping[str | int, object]:
    if isinstance(values, dict):
        return values
    return dict(enumerate(values)) if isinstance(values, list) else {}


def _field_names(model: type[BaseModel]) -> set[str]:
    """Every field name reachable from a model: what an unknown key may have meant."""
    names: set[str] = set()
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        names |= set(part.get("properties", {}))
    return names


def suggest(name: str, known: Iterable[str]) -> str | None:
    """`Did you mean …?` for the nearest known name, if one is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else None
