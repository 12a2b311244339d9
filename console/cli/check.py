"""`millstream check`: every YAML file of the deployment, each fault with file, line, column and a hint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from canonical.errors import ConfigurationError
from console.cli.state import settings_of
from console.cli.terminal import Exit, Terminal

if TYPE_CHECKING:
    from pipeline.hub import Configuration

Caller = Annotated[Terminal, Parameter(parse=False)]


def check(*, deployment: Path | None = None, terminal: Caller) -> Exit:
    """Check every configuration file; prints each fault with file, line and column.

    Parameters
    ----------
    deployment
        The deployment file to check; by default the one MILLSTREAM_DEPLOYMENT names.
    """
    from connectors.checking import wsdl_faults
    from pipeline.hub import load_configuration

    settings = settings_of(terminal)
    if deployment is not None:
        settings = replace(settings, deployment_file=deployment)
    try:
        configuration = load_configuration(settings)
        _ = configuration.inbound  # compiling finds what reading cannot
    except ConfigurationError as error:
        return _refused(terminal, error)
    if faults := tuple(fault for system in configuration.systems.values() for fault in wsdl_faults(system)):
        return _refused(terminal, ConfigurationError(faults=faults))
    found = list(notes(configuration))
    counts = {
        "systems": len(configuration.systems),
        "mappings": sum(len(one.inbound) + len(one.outbound) for one in configuration.mappings.values()),
        "policies": len(configuration.policies), "rulebooks": len(configuration.rulebooks),
        "rules": len(configuration.rules),
    }  # fmt: skip
    said = [{"note": key, **values} for key, values in found]

    def draw() -> None:
        for key, values in found:
            terminal.line(f"check.{key}", **values)
        terminal.line("check.fine", **counts)

    terminal.answer({"faults": [], "notes": said, "counts": counts}, draw)
    return Exit.OK


def _refused(terminal: Terminal, error: ConfigurationError) -> Exit:
    loose = [] if error.faults else [str(error)]

    def draw() -> None:
        for line in (*map(str, error.faults), *loose):
            terminal.text(line, "red")
        terminal.line("check.faults", count=len(error.faults) + len(loose))

    terminal.answer({"faults": [asdict(fault) for fault in error.faults], "messages": loose, "notes": []}, draw)
    return Exit.USAGE


def notes(configuration: Configuration) -> Iterator[tuple[str, dict[str, str]]]:
    """What is no fault but worth knowing: (kind of note, its values)."""
    from rules.rulebook import CommandThen, NotifyThen, TaskThen

    roles: dict[str, str] = {connection.role: name for name, connection in configuration.deployment.systems.items()}
    wanted = {
        (then.to, then.command): rule.name
        for rule in configuration.rules
        for then in (*rule.spec.then, *rule.spec.escalate)
        if isinstance(then, CommandThen)
    }
    for role in sorted({role for role, _ in wanted} - roles.keys()):
        yield "role", {"role": role}
    yield from _unsaid(configuration, roles)
    for (role, command), rule in sorted(wanted.items()):
        system = roles.get(role)
        if system is not None and command not in configuration.mappings[system].outbound:
            yield "outbound", {"system": system, "command": command, "rule": rule}
    for name, connection in configuration.deployment.systems.items():
        if "state" not in connection.model_fields_set:
            yield "shadow", {"system": name}
    actions = [then for rule in configuration.rules for then in (*rule.spec.then, *rule.spec.escalate)]
    told = {then.notify for then in actions if isinstance(then, NotifyThen)}
    told |= {then.owner for then in actions if isinstance(then, TaskThen)}
    audiences = configuration.deployment.notifications.audiences
    for audience in sorted(told - audiences.keys() if audiences else ()):
        yield "audience", {"audience": audience}
    for entity in sorted({entity for _, entity in configuration.inbound} - configuration.policies.keys()):
        yield "policy", {"entity": entity}
    for entity in sorted(set(configuration.entities) - configuration.rulebooks.keys()):
        yield "rulebook", {"entity": entity}


def _unsaid(configuration: Configuration, roles: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Commands whose rule leaves out what the target's mapping builds the payload of: every one would be parked."""
    from mappings.outbound import needed_fields
    from rules.rulebook import CommandThen

    for rule in configuration.rules:
        for then in (*rule.spec.then, *rule.spec.escalate):
            if not isinstance(then, CommandThen) or then.cancel or not then.body or then.to not in roles:
                continue
            mapping = configuration.mappings[roles[then.to]].outbound.get(then.command)
            lacking = needed_fields(mapping) - then.body.keys() - then.values.keys() if mapping else frozenset()
            if lacking:
                fields = ", ".join(sorted(lacking))
                yield "unsaid", {"rule": rule.name, "fields": fields, "system": roles[then.to], "command": then.command}
