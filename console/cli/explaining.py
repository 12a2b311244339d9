"""Help in the reader's language: cyclopts writes it from the docstrings, which are English."""

from __future__ import annotations

from cyclopts.help import HelpEntry, HelpPanel
from cyclopts.help.formatters import DefaultFormatter
from rich.console import Console, ConsoleOptions

from console.cli.explanations import EXPLANATIONS


class ChineseFormatter(DefaultFormatter):
    """Help whose titles and parameters read in Chinese; what nobody translated stays in English."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Draw one panel."""
        entries = [_entry(one) for one in panel.entries]
        super().__call__(console, options, panel.copy(title=_chinese(panel.title), entries=entries))


def _entry(entry: HelpEntry) -> HelpEntry:
    said = [_chinese(getattr(entry.description, "primary_renderable", entry.description))]
    if entry.choices:
        said.append(f"（可选：{'、'.join(entry.choices)}）")
    if entry.default not in {None, "()"}:
        said.append(f"（默认：{entry.default}）")
    if entry.required:
        said.append("（必填）")
    return entry.copy(description="".join(said), choices=None, default=None, required=False)


def _chinese(text: object) -> str:
    plain = str(getattr(text, "plain", text) or "").strip()
    return EXPLANATIONS.get(plain, plain)
