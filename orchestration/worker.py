"""A process that runs pass after pass for the command line, so that Dagster is imported once, not once a pass.

Line-delimited JSON. In: `{"job", "environ"}` (the environment counts on the first line). Out: `{"step"}` as
steps begin, then `{"run_id", "success", "error", "seconds"}`; `{"configuration", "faults"}` where the hub
cannot be opened. It ends when its input ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO, Any

from canonical.errors import ConfigurationError
from orchestration.run import PassResult, run_pass
from pipeline.hub import Hub, open_hub
from pipeline.memory import stay_loaded


def main() -> int:
    """Answer requests until there are no more."""
    # Our own stdout carries the answers; whatever libraries print goes to stderr with the logs.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    hub: Hub | None = None
    stay_loaded()
    try:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                hub = hub or _open(request.get("environ") or {})
            except ConfigurationError as error:
                said = {"configuration": error.message, "faults": [asdict(fault) for fault in error.faults]}
                _answer(answers, said)
                continue
            result = run_pass(hub, job=request["job"], watch=lambda step: _answer(answers, {"step": step}))
            _answer(answers, _told(result))
    finally:
        if hub is not None:
            hub.close()
    return 0


def _open(environ: Mapping[str, str]) -> Hub:
    os.environ.update(environ)
    return open_hub()


def _told(result: PassResult) -> dict[str, Any]:
    error = "; ".join(f"{step}: {why}" for step, why in result.failures.items()) or None
    return {"run_id": result.run_id, "success": result.success, "error": error, "seconds": dict(result.seconds)}


def _answer(answers: IO[str], said: Mapping[str, Any]) -> None:
    answers.write(json.dumps(said) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
