from __future__ import annotations

import os
from pathlib import Path

import pytest

from canonical.errors import ConfigurationError, MillstreamError
from console.cli import worker
from console.cli.worker import PassEnd, Worker

ANSWERING = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"step": asked["job"]}), flush=True)
    print(json.dumps({"run_id": asked["environ"].get("NAME", "none"), "success": True, "error": None}), flush=True)
"""
REFUSING = """
import json, sys
sys.stdin.readline()
fault = {"file": "plant.yaml", "line": 3, "column": 1, "message": "unknown", "hint": None}
print(json.dumps({"configuration": "not usable", "faults": [fault]}), flush=True)
sys.stdin.read()
"""
DYING = "import sys; sys.stdin.readline(); sys.exit('no more paper')"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(worker, "MODULE", "pretended_worker")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def started(tmp_path: Path, program: str, environ: dict[str, str]) -> Worker:
    (tmp_path / "pretended_worker.py").write_text(program, encoding="utf-8")
    return Worker.start(environ, tmp_path / "logs" / "worker.log")


def test_run__one_process_answers_pass_after_pass(tmp_path: Path, environ: dict[str, str]) -> None:
    this = started(tmp_path, ANSWERING, environ)
    steps = list[str]()
    assert this.run(environ={"NAME": "a"}, on_step=steps.append) == PassEnd("a", success=True, error=None)
    assert this.run(job="deliver_only", environ={"NAME": "b"}, on_step=steps.append).run_id == "b"
    this.close()
    assert steps == ["one_pass", "deliver_only"]


def test_run__a_refused_configuration_keeps_its_places(tmp_path: Path, environ: dict[str, str]) -> None:
    this = started(tmp_path, REFUSING, environ)
    with pytest.raises(ConfigurationError) as refused:
        this.run()
    this.close()
    assert str(refused.value.faults[0]) == "plant.yaml:3:1 unknown"


def test_run__a_dead_worker_shows_its_last_words(tmp_path: Path, environ: dict[str, str]) -> None:
    this = started(tmp_path, DYING, environ)
    with pytest.raises(MillstreamError, match="no more paper"):
        this.run()
    this.close()
