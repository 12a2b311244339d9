"""Where Dagster keeps its own records, and how it is set up there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from canonical.errors import ConfigurationError
from canonical.strict_yaml import suggest
from pipeline.settings import Settings

TEMPLATE = Path(__file__).parent / "dagster.yaml"
PRELOADED = ["dagster", "polars", "great_expectations", "pipeline.hub"]
"""What a step's process would spend seconds importing."""


def dagster_home(environ: Mapping[str, str]) -> Path:
    """`DAGSTER_HOME` where it is set, else a folder beside the hub's own records."""
    named = environ.get("DAGSTER_HOME")
    return Path(named).absolute() if named else Settings.from_environment(environ).home / "dagster"


def prepare(home: Path) -> Path:
    """Make the folder, with our settings unless it has its own; give it back."""
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(TEMPLATE.read_text(encoding="utf-8").replace("$DAGSTER_HOME", str(home)), encoding="utf-8")
    return home


def executor(environ: Mapping[str, str]) -> dg.ExecutorDefinition:
    """How `MILLSTREAM_EXECUTOR` says steps run: `in_process` (the default) or `multiprocess`.

    Steps wait for systems rather than compute, and a process a step costs more in imports than most steps take.
    """
    forked = {"start_method": {"forkserver": {"preload_modules": PRELOADED}}}
    known = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor.configured(forked)}
    named = environ.get("MILLSTREAM_EXECUTOR", "in_process")
    if named not in known:
        raise ConfigurationError(f"MILLSTREAM_EXECUTOR: no executor {named!r}", hint=suggest(named, known))
    return known[named]
