"""The working calendars a deployment's rules count by, each by the name the rules use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from canonical.calendars import WorkingCalendar
from canonical.errors import ConfigurationError, Fault
from canonical.strict_yaml import suggest
from pipeline.settings import Deployment
from rules.calendars import CALENDARS, load_calendar
from rules.compiling import CompiledRule
from rules.rulebook import TaskThen
from rules.ruleset import RuleSet


def rule_calendars(deployment: Deployment, rules: RuleSet) -> Mapping[str, WorkingCalendar]:
    """Calendar by name, for every name some rule uses; raises `ConfigurationError` with all that are missing or wrong.

    A deployment may put another calendar in place of one: `calendars: {office: always}`.
    """
    known = {path.stem for path in CALENDARS.glob("*.yaml")}
    found: dict[str, WorkingCalendar] = {}
    errors: list[ConfigurationError] = []
    for name, place in sorted({name: rule.place for rule in rules for name in _named(rule)}.items()):
        file = deployment.calendars.get(name, name)
        if file not in known:
            hint = suggest(file, known) or f"known: {', '.join(sorted(known))}"
            errors.append(ConfigurationError(faults=(_fault(place, f"no working calendar {file!r}", hint),)))
            continue
        try:
            found[name] = _loaded(file)
        except ConfigurationError as error:
            errors.append(error)
    if errors:
        raise ConfigurationError.joined(errors)
    return found


def _fault(place: str, message: str, hint: str) -> Fault:
    """At the rule's `file:line:column`."""
    file, line, column = place.strip(":").rsplit(":", 2)
    return Fault(file, int(line), int(column), message, hint)


@cache
def _loaded(name: str) -> WorkingCalendar:
    """The files do not change while a process runs, and public holidays take a while to work out."""
    return load_calendar(CALENDARS / f"{name}.yaml")


def _named(rule: CompiledRule) -> set[str]:
    """The calendars one rule counts by."""
    deadlines = [spec.due for spec in (*rule.spec.then, *rule.spec.escalate) if isinstance(spec, TaskThen)]
    return {within.calendar for within in (rule.spec.within, *deadlines) if within is not None}
