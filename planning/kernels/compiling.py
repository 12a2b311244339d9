"""How the kernels are compiled, and how a compiled one on disk is known to be of these sources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile at the first call, without the interpreter lock."""
    return cast("F", njit(nogil=True)(function))


def compiled_and_kept(function: F) -> F:
    """Compile at the first call ever, and keep the machine code on disk."""
    return cast("F", njit(nogil=True, cache=True)(function))


def fingerprint() -> str:
    """A digest of the sources that end up in the compiled planner."""
    here = Path(__file__).parent
    sources = [*sorted(here.glob("*.py")), here.parent / "columns.py", here.parent / "lot_sizing.py"]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
