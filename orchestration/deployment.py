"""Where Dagster keeps its own records, and how it is set up there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.settings import Settings

TEMPLATE = Path(__file__).parent / "dagster.yaml"


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
