"""What judging one rule over one frame found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Scope = Literal["row", "dataset"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's outcome. `failing` holds the keys of the rows that break it, sorted, one for each row."""

    rule: str
    entity: str
    severity: Severity
    scope: Scope
    blocking: bool
    passed: bool
    failing: tuple[str, ...] = ()
    observed: str | None = None
    """What was counted, for rules over a whole frame."""
    error: str | None = None
    """Set where the check itself could not run: nothing is then known about the rows."""

    @property
    def status(self) -> Literal["passed", "failed", "check_error"]:
        """A check that could not run is neither passed nor failed."""
        if self.error is not None:
            return "check_error"
        return "passed" if self.passed else "failed"

    @property
    def stops(self) -> bool:
        """True where what depends on the frame must not go on: a blocking rule that did not pass."""
        return self.blocking and self.status != "passed"
