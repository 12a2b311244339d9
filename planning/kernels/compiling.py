"""How the kernels are compiled, and how a compiled one on disk is known to be of these sources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.extending import register_jitable

LEAN: dict[str, Any] = {"nogil": True, "_nrt": False, "error_model": "numpy"}
"""`_nrt=False` is how numba's own tests leave reference counts out; it is not in its stubs."""
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile at the first call, without the interpreter lock, and without counting who holds which array.

    numba counts with two atomic instructions for each array of each tuple a function is given, which took two thirds of
    the planner's time. Such a function allocates nothing: it borrows from `scratch.Room`.
    """
    return cast("F", njit(**LEAN)(function))


def fused(function: F) -> F:
    """As `compiled`, and into each of its callers.

    An array is handed over as seven numbers, so a call with all tables stores more than a thousand of them: calls for
    each item and lot took half of the planner's time. What many call or few need stays `compiled`.
    """
    return cast("F", njit(forceinline=True, **LEAN)(function))


def inlined(function: F) -> F:
    """Compile into its callers: only so can one that allocates nothing be handed a part of an array."""
    return cast("F", njit(inline="always", **LEAN)(function))


def allocating(function: F) -> F:
    """Compile at the first call a function that allocates arrays; it may be called once an item, not once a need."""
    return cast("F", njit(nogil=True)(function))


def either_way(function: F) -> F:
    """Compile into kernels that call it; called from Python, it is plain numpy.

    What is large comes from numpy at best: it asks for huge pages, which halves the time the first writing takes, and
    zeros that are never read take no memory.
    """
    return register_jitable(function)


def compiled_and_kept(function: F) -> F:
    """Compile at the first call ever, and keep the machine code on disk."""
    return cast("F", njit(nogil=True, cache=True)(function))


def fingerprint() -> str:
    """A digest of the sources that end up in the compiled planner."""
    here = Path(__file__).parent
    sources = [*sorted(here.glob("*.py")), here.parent / "columns.py", here.parent / "lot_sizing.py"]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
