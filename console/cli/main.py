"""Entry point of `millstream`: reads what every verb understands, finds the verb, and turns its end into an exit code.

A verb's module is imported when the verb is called, never before: help must not wait for Polars.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, CycloptsError

from console.cli.failures import explain
from console.cli.terminal import Exit, Terminal
from console.cli.words import LANGUAGES, Language, Words, language_of

Options = Mapping[str, str]

VERBS = {
    "demo": "console.cli.demo:demo",
    "run": "console.cli.stream:run",
    "relay": "console.cli.relay:relay",
    "status": "console.cli.status:status",
    "check": "console.cli.check:check",
    "probe": "console.cli.probe:probe",
    "preview": "console.cli.preview:preview",
    "trace": "console.cli.trace:trace",
    "doctor": "console.cli.doctor:doctor",
}
GROUPS = {
    "outbox": {
        "list": "console.cli.outbox:listed",
        "show": "console.cli.outbox:show",
        "retry": "console.cli.outbox:retry",
        "park": "console.cli.outbox:park",
        "approve": "console.cli.outbox:approve",
        "resolve": "console.cli.outbox:resolve",
    },
    "quarantine": {"list": "console.cli.waiting:quarantine_list", "show": "console.cli.waiting:quarantine_show"},
    "conflicts": {"list": "console.cli.waiting:conflicts_list"},
    "notices": {
        "list": "console.cli.notices:listed",
        "ack": "console.cli.notices:ack",
        "send": "console.cli.notices:send",
    },
    "mdm": {"evaluate": "console.cli.mdm:evaluate"},
    "plan": {"case": "console.cli.plan:case"},
    "connections": {"list": "console.cli.connections:listed", "set": "console.cli.connections:set_state"},
}


class _Usage(Exception):
    """The command line itself is wrong."""


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; returns its exit code, and never raises."""
    environ = os.environ if environ is None else environ
    given = sys.argv[1:] if argv is None else list(argv)
    words = Words(language_of(environ))
    try:
        options, rest = _common(given, words)
    except _Usage as error:
        Terminal.open(words, environ).complain(str(error))
        return Exit.USAGE
    words = Words(_language(options, words))
    terminal = Terminal.open(words, environ, json="json" in options, debug="debug" in options)
    return _call(terminal, rest)


def _common(given: Sequence[str], words: Words) -> tuple[Options, list[str]]:
    """What every verb understands, wherever it stands, and the rest."""
    options: dict[str, str] = {}
    rest: list[str] = []
    left = iter(given)
    for token in left:
        name, _, value = token.partition("=")
        if token in {"--json", "--debug"}:
            options[token[2:]] = ""
        elif name == "--lang":
            options["lang"] = value or next(left, "")
            if options["lang"] not in LANGUAGES:
                raise _Usage(words.say("usage.lang", given=options["lang"]))
        else:
            rest.append(token)
    return options, rest


def _language(options: Options, words: Words) -> Language:
    return next((language for language in LANGUAGES if language == options.get("lang")), words.language)


def _call(terminal: Terminal, tokens: Sequence[str]) -> int:
    try:
        command, bound, left_out = build(terminal).parse_args(tokens, print_error=False, exit_on_error=False)
        if "terminal" in left_out:
            bound.arguments["terminal"] = terminal
        ended = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except CycloptsError as error:
        terminal.complain(str(error))
        terminal.complain(terminal.say("usage.help"), "")
        return Exit.USAGE
    except BrokenPipeError:
        # Whoever read us has seen enough (`… | head`); a second complaint at exit helps nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        terminal.complain(terminal.say("interrupted"))
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost door: every end becomes an exit code
        return explain(terminal, error)
    return ended if isinstance(ended, int) else Exit.OK


def build(terminal: Terminal) -> App:
    """The verbs, described in the caller's language; nothing behind them is imported yet."""
    app = App(
        name="millstream", version=_version(), help=terminal.say("help"), help_epilogue=terminal.say("help.common"),
        console=terminal.out, error_console=terminal.err, help_format="plaintext", result_action="return_value",
    )  # fmt: skip
    for verb, target in VERBS.items():
        app.command(target, name=verb, help=terminal.say(f"help.{verb}"))
    for group, verbs in GROUPS.items():
        inner = App(name=group, help=terminal.say(f"help.{group}"))
        for verb, target in verbs.items():
            inner.command(target, name=verb, help=terminal.say(f"help.{group}.{verb}"))
        app.command(inner)
    return app


def _version() -> str:
    try:
        return version("millstream")
    except PackageNotFoundError:  # run from a source tree
        return "source"


if __name__ == "__main__":
    sys.exit(main())
