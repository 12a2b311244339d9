"""`millstream rules`: what the rules are, whether their fixtures hold, why they fired, and what they would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from canonical.strict_yaml import suggest
from console.cli.failures import NotKnown
from console.cli.state import hub_of, settings_of
from console.cli.terminal import Exit, Terminal, as_json

if TYPE_CHECKING:
    from pipeline.rehearsal import Rehearsal, Rehearsed
    from pipeline.why import Why
    from rules.compiling import CompiledRule
    from rules.conditions import Step
    from rules.decide import Decision
    from rules.explain import Verdict
    from rules.fixtures import Tried
    from rules.ruleset import RuleSet
    from rules.timers import Within
    from store.events import ChangeEvent
    from store.unit_of_work import Transaction

Caller = Annotated[Terminal, Parameter(parse=False)]


def listed(*, terminal: Caller) -> Exit:
    """List the deployment's rules, lowest priority first."""
    _, rules = _rules(terminal)
    answer = [_rule(rule) for rule in rules]
    columns = ("col.rule", "col.when", "col.condition", "col.then", "col.priority")

    rows = [
        (
            one["rule"],
            one["when"],
            _conditions(terminal, one),
            "\n".join([*one["then"], *one["later"]]),
            one["priority"],
        )
        for one in answer
    ]
    terminal.answer(answer, lambda: terminal.table(columns, rows, right=[4]))
    return Exit.OK


def _rules(terminal: Terminal) -> tuple[tuple[str, ...], RuleSet]:
    from rules.loading import load_rulebooks
    from rules.ruleset import RuleSet

    books = settings_of(terminal).load_deployment().rulebooks
    return books, RuleSet(load_rulebooks(books))


def _rule(rule: CompiledRule) -> dict[str, Any]:
    spec = rule.spec
    when = f"{rule.subject} {', '.join(spec.when.event)}"
    narrowed = [f"({', '.join(spec.when.fields)})"] if spec.when.fields else []
    narrowed += [f"← {', '.join(spec.when.origin)}"] if spec.when.origin else []
    later = [f"{_waited(spec.within)}: {_action(then)}" for then in spec.escalate]
    return {
        "rule": rule.name, "when": " ".join([when, *narrowed]), "if": spec.if_, "unless": spec.unless,
        "then": [_action(then) for then in spec.then], "later": later,
        "priority": spec.priority, "why": spec.why, "place": rule.place,
    }  # fmt: skip


def _waited(within: Within | None) -> str:
    """How long before a rule escalates."""
    if within is None:
        return ""
    return f"{within.days} d" if within.hours is None else f"{within.hours} h"


def _action(then: Any) -> str:  # noqa: ANN401 - any of the three actions
    if hasattr(then, "command"):
        return f"{'✕ ' if then.cancel else ''}{then.command} → {then.to}"
    return f"! {then.notify}" if hasattr(then, "notify") else f"☐ {then.task} → {then.owner}"


def _conditions(terminal: Terminal, one: dict[str, Any]) -> str:
    if not one["unless"]:
        return one["if"] or ""
    return terminal.say("rules.unless", condition=one["if"] or "", unless=one["unless"])


def tried(book: str | None = None, /, *, terminal: Caller) -> Exit:
    """Run the fixtures that stand beside the rulebooks.

    Parameters
    ----------
    book
        One rulebook; by default all of the deployment.
    """
    from rules.fixtures import try_fixtures

    books, rules = _rules(terminal)
    if book is not None and book not in books:
        raise NotKnown(terminal.say("rules.no_book", given=book, known=", ".join(books)), hint=suggest(book, books))
    found = {name: try_fixtures(name, rules) for name in ((book,) if book else books)}
    done = [one for each in found.values() for one in each]
    wrong = [one for one in done if one.wrong]
    fired = {verdict.rule.name for one in done for verdict in one.verdicts if verdict.fired}
    mine = {rule.name for rule in rules if book is None or rule.place.split("/")[-1].startswith(f"{book}.yaml")}
    untested = sorted(mine - fired)
    answer = {
        "fixtures": [{"book": one.book, "name": one.name, "place": one.place, "wrong": one.wrong} for one in done],
        "passed": len(done) - len(wrong), "total": len(done), "untested": untested,
        "without": [name for name, each in found.items() if not each],
    }  # fmt: skip
    terminal.answer(answer, lambda: _draw_tested(terminal, wrong, answer))
    return Exit.FINDINGS if wrong else Exit.OK


def _draw_tested(terminal: Terminal, wrong: Sequence[Tried], answer: dict[str, Any]) -> None:
    for one in wrong:
        terminal.text(f"{one.place} {one.name}", "red")
        for said in one.wrong:
            terminal.text(f"  {said}")
    for book in answer["without"]:
        terminal.line("rules.no_fixtures", book=book)
    if answer["untested"]:
        terminal.line("rules.untested", rules=", ".join(answer["untested"]))
    terminal.line("rules.tested", **answer)


def schema(*, terminal: Caller) -> Exit:
    """Print the JSON Schema of rulebooks, for editors that complete YAML."""
    from rules.schema import rulebook_schema

    terminal.out.file.write(as_json(rulebook_schema()) + "\n")
    return Exit.OK


def _event(terminal: Terminal, tx: Transaction, named: str) -> ChangeEvent:
    from pipeline.why import find_event

    found = find_event(tx, named)
    if found is None:
        raise NotKnown(terminal.say("rules.no_event", given=named), hint=terminal.say("rules.no_event.hint"))
    return found


def explain(event: str, /, *, terminal: Caller) -> Exit:
    """Say which rules fired for an event, which did not, and which part of their conditions was false.

    Parameters
    ----------
    event
        An event's id, or a record as ENTITY/KEY: its last event.
    """
    from pipeline.why import why

    with hub_of(terminal) as hub, hub.store.read() as tx:
        found = why(hub, tx, _event(terminal, tx, event))
    terminal.answer(_explained(terminal, found), lambda: _draw_why(terminal, found))
    return Exit.OK


def _explained(terminal: Terminal, found: Why) -> dict[str, Any]:
    return {
        "event": found.event,
        "rules": [
            {"rule": one.rule.name, "fired": one.fired, "reason": one.reason, "because": _because(terminal, one),
             "if": one.condition, "unless": one.unless, "place": one.rule.place}
            for one in found.verdicts
        ],
        "chain": [event.id for event in found.chain],
        "commands": list(found.commands),
    }  # fmt: skip


def _because(terminal: Terminal, verdict: Verdict) -> str:
    from rules.explain import failing

    when = verdict.rule.spec.when
    wanted = {"event": when.event, "fields": when.fields, "origin": when.origin}.get(verdict.reason, ())
    steps = []
    if verdict.reason == "if" and verdict.condition is not None:
        steps = failing(verdict.condition)
    if verdict.reason == "unless" and verdict.unless is not None:
        steps = failing(verdict.unless, wanted=False)
    parts = [
        terminal.say(
            "rules.with", text=step.text, values=", ".join(f"{name} = {value}" for name, value in step.values.items())
        )
        for step in steps
    ]
    return terminal.say(
        f"rules.because.{verdict.reason}", wanted=", ".join(wanted), parts="; ".join(parts),
        decisions="; ".join(_decision(one) for one in verdict.decisions),
    )  # fmt: skip


def _values(step: Step) -> str:
    return ", ".join(f"{name} = {value}" for name, value in step.values.items())


def _decision(one: Decision) -> str:
    named = {"CommandDraft": "{kind} → {role} {business_key}", "Notice": "! {audience} {key}", "Task": "☐ {kind} {key}"}
    fields = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return named.get(type(one).__name__, "").format(**fields)


def _draw_why(terminal: Terminal, found: Why) -> None:
    event = found.event
    terminal.heading(
        "rules.event", kind=terminal.term(event.kind), entity=event.entity, key=event.key, origin=event.origin,
        at=f"{event.at:%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip
    if event.kind == "changed":
        terminal.line("rules.event.fields", fields=", ".join(event.fields) or "–")
    if event.revision is not None:
        terminal.line("rules.event.echo", revision=event.revision)
    if found.chain:
        terminal.line("rules.chain", events=" ← ".join(f"{one.entity} {one.key}" for one in found.chain))
    if found.verdicts:
        rows = [(one.rule.name, terminal.say("rules.fired" if one.fired else "rules.not"), _because(terminal, one))
                for one in sorted(found.verdicts, key=lambda one: not one.fired)]  # fmt: skip
        terminal.table(("col.rule", "col.verdict", "col.because"), rows)
    else:
        terminal.line("rules.no_rules", entity=event.entity)
    if found.commands:
        terminal.heading("rules.led")
        led = [(one.command_id[:12], terminal.term(one.state), one.system, one.kind, one.business_key)
               for one in found.commands]  # fmt: skip
        terminal.table(("col.command", "col.state", "col.system", "col.operation", "col.document"), led)


def dry_run(event: str | None = None, /, *, limit: int = 20, terminal: Caller) -> Exit:
    """Show what would be written to each system, field by field; nothing is.

    Parameters
    ----------
    event
        Only what today's rules want for this event (an id, or ENTITY/KEY); by default for everything changed.
    limit
        At most so many commands are drawn.
    """
    from pipeline.plan import load_plan
    from pipeline.rehearsal import rehearse, rehearse_change
    from pipeline.why import change_of

    with hub_of(terminal) as hub:
        run = hub.new_run(terminal.person)
        if event is None:
            found = rehearse(hub, run, load_plan(hub))
        else:
            with hub.store.read() as tx:
                change = change_of(_event(terminal, tx, event))
            found = rehearse_change(hub, run, change)
    terminal.answer(_rehearsed(found), lambda: _draw_rehearsal(terminal, found, limit))
    return Exit.OK


def _rehearsed(found: Rehearsal) -> dict[str, Any]:
    return {
        "changes": found.changes,
        "commands": [
            {"command": one.command, "held": one.held, "hindered": one.hindered, "before": one.before,
             "after": one.after,
             "differences": [{"path": path, "before": was, "after": now} for path, was, now in one.differences()]}
            for one in found.commands
        ],
        "notices": [{"audience": one.audience, "key": one.key, "text": one.text} for one in found.notices],
        "tasks": [{"kind": one.kind, "owner": one.owner, "key": one.key, "title": one.title} for one in found.tasks],
    }  # fmt: skip


def _draw_rehearsal(terminal: Terminal, found: Rehearsal, limit: int) -> None:
    for one in found.commands[:limit]:
        _draw_command(terminal, one)
    for notice in found.notices[:limit]:
        terminal.text(f"! {notice.audience}: {notice.text[terminal.words.language]}")
    for task in found.tasks[:limit]:
        terminal.text(f"☐ {task.owner}: {task.title[terminal.words.language]}")
    if not (found.commands or found.notices or found.tasks):
        terminal.line("rules.nothing")
    counts = {"commands": len(found.commands), "notices": len(found.notices), "tasks": len(found.tasks)}
    terminal.line("rules.dry", changes=found.changes, **counts)


def _draw_command(terminal: Terminal, one: Rehearsed) -> None:
    command = one.command
    terminal.heading(
        "rules.command", kind=command.kind, system=command.system, entity=command.entity, key=command.business_key,
        revision=command.revision, rule=command.actor,
    )  # fmt: skip
    if one.held:
        terminal.line("rules.command.held", held=terminal.term(one.held))
    if command.cancelled:
        terminal.line("rules.command.cancels")
    elif one.hindered:
        terminal.line("rules.command.hindered", said=one.hindered)
    elif differences := one.differences():
        terminal.table(("col.path", "col.before", "col.after"), differences)
    else:
        terminal.line("rules.command.same")
    terminal.line()
