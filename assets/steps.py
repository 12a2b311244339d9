"""What all steps share: parts that fail do not keep the others from being done, and errors say whether to try again."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import dagster as dg

from canonical.errors import MillstreamError, TransientError

Part = TypeVar("Part")
Result = dg.MaterializeResult[None]
PATIENCE = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For steps that wait for another run or a system; what cannot succeed is never tried again."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """The hub's errors as Dagster failures with one clear line; only transient ones are tried again."""
    try:
        yield
    except MillstreamError as error:
        raise dg.Failure(description=str(error), allow_retries=isinstance(error, TransientError)) from error


def each(parts: Iterable[Part], work: Callable[[Part], Result]) -> Iterator[Result]:
    """Materialise part after part; those that fail are named together at the end, after all others are done."""
    failed: dict[str, str] = {}
    for part in parts:
        try:
            yield work(part)
        except MillstreamError as error:
            failed[str(part)] = str(error)
    if failed:
        raise dg.Failure(
            description="; ".join(f"{part}: {why}" for part, why in failed.items()),
            metadata=dict(failed),
            allow_retries=False,
        )
