"""The process that runs passes through the shipped Dagster job, one after the other.

The command line never imports Dagster (an import of seconds, and rooms import downwards only): it starts
`python -m orchestration.worker` and speaks JSON lines with it. Answers: `{"step": name}` as steps begin,
then one `{"run_id", "success", "error"}`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from canonical.errors import ConfigurationError, Fault, MillstreamError

MODULE = "orchestration.worker"
Job = Literal["one_pass", "refresh", "deliver_only"]
END_SECONDS = 10
_TAIL = 15
"""Lines of the worker's own log that are shown when it dies."""


@dataclass(frozen=True, slots=True)
class PassEnd:
    """How a pass ended; `error` says why where it did not succeed."""

    run_id: str
    success: bool
    error: str | None


class Worker:
    """A running worker process; what Dagster logs stands in its log file."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    def start(cls, environ: Mapping[str, str], log: Path) -> Worker:
        """Start it; its imports take seconds, so start it before it is needed."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", MODULE], env=dict(environ), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        return cls(process, log)

    def run(
        self,
        *,
        job: Job = "one_pass",
        environ: Mapping[str, str] | None = None,
        on_step: Callable[[str], None] = lambda _: None,
    ) -> PassEnd:
        """One run of a shipped job. `environ` goes by the pipe, so that secrets stand on no command line.

        Raises `ConfigurationError` where the worker refuses to start, `MillstreamError` where it died.
        """
        self._ask({"job": job, "environ": dict(environ or {})})
        for line in _out(self._process):
            answer: dict[str, Any] = json.loads(line)
            if "step" in answer:
                on_step(answer["step"])
            elif "configuration" in answer:
                faults = tuple(Fault(**fault) for fault in answer["faults"])
                raise ConfigurationError(answer["configuration"], faults=faults)
            else:
                return PassEnd(answer["run_id"], answer["success"], answer.get("error"))
        raise MillstreamError(f"the worker ended without an answer:\n{self._last_words()}", hint=f"see {self._log}")

    def _ask(self, request: Mapping[str, Any]) -> None:
        stream = self._process.stdin
        assert stream is not None
        try:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
        except BrokenPipeError:
            pass  # it died: reading its answer says so, with its last words

    def _last_words(self) -> str:
        self._process.wait(END_SECONDS)
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])

    def close(self) -> None:
        """End it: its input closes, and where that is not enough it is told so."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait(END_SECONDS)


def _out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
