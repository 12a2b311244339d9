"""Entry point of `millstream`: finds the verb, asks whether its caller may, and turns its end into an exit code.

A verb's module is imported when the verb is called, never before: help must not wait for Polars.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, CycloptsError, Parameter
from cyclopts.help.protocols import HelpFormatter

from console.cli.failures import explain
from console.cli.terminal import Exit, Terminal
from console.cli.verbs import GROUPS, VERBS
from console.words.words import LANGUAGES, Language, Words, language_of

Options = Mapping[str, str]


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
        app = build(terminal)
        command, bound, left_out = app.parse_args(tokens, print_error=False, exit_on_error=False)
        if not _explains(command):
            terminal = _admitted(terminal, app, tokens)
        if "terminal" in left_out:
            bound.arguments["terminal"] = terminal
        ended = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()
    except CycloptsError as error:
        terminal.complain(terminal.words.told(str(error)))
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


def _explains(command: Callable[..., object]) -> bool:
    """Whether this is cyclopts' own help or version, which anybody may read."""
    return getattr(command, "__func__", None) in {App.help_print, App.version_print}


def _admitted(terminal: Terminal, app: App, tokens: Sequence[str]) -> Terminal:
    """The terminal of a caller who may; verbs that touch no hub do not wait for SQL."""
    name, _, _ = app.parse_commands(tokens)
    verb = VERBS.get(name)
    if verb is not None and verb.needs is None:
        return terminal
    from console.cli.admission import admitted

    return admitted(terminal, name)


def build(terminal: Terminal) -> App:
    """The verbs, described in the caller's language; nothing behind them is imported yet."""
    app = App(
        name="millstream", version=_version(), help=terminal.say("help"), help_epilogue=terminal.say("help.common"),
        console=terminal.out, error_console=terminal.err, help_format="plaintext", result_action="return_value",
        help_formatter=_formatter(terminal), default_parameter=Parameter(negative_iterable=()),
    )  # fmt: skip
    groups = {group: App(name=group, help=terminal.say(f"help.{group}")) for group in GROUPS}
    for name, verb in VERBS.items():
        inner = groups[name[0]] if len(name) > 1 else app
        inner.command(verb.target, name=name[-1], help=terminal.say(f"help.{'.'.join(name)}"))
    for group in groups.values():
        app.command(group)
    return app


def _formatter(terminal: Terminal) -> HelpFormatter | None:
    """How help is drawn; None is cyclopts' own way."""
    if terminal.words.language == "en":
        return None
    from console.cli.explaining import ChineseFormatter

    return ChineseFormatter()


def _version() -> str:
    try:
        return version("millstream")
    except PackageNotFoundError:  # run from a source tree
        return "source"


if __name__ == "__main__":
    sys.exit(main())
