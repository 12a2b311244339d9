"""Who matches a million suppliers: Millstream, Splink alone, goldenmatch. Each in a process of its own."""

from __future__ import annotations

import contextlib
import io
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.supplier_records import suppliers
from mdm.dedupe import Layout, dedupe, group_rows, linker_over

LAYOUT = Layout(
    columns={
        "core": "name", "trade": "exact", "region": "exact", "branch": "exact", "phone": "digits",
        "tax_number": "digits", "street": "name",
    },
    blocking=(
        ("tax_number",), ("phone",), ("street",), ("core", "trade"), ("core", "region"),
        ("substr(core, 1, 2)", "region", "trade"), ("substr(core, -2)", "region", "trade"),
    ),
    identity=("tax_number",),
    exclusive=("trade", "region", "branch"),
)  # fmt: skip
SURE = 0.95
"""From which probability Splink's documentation puts two records in one cluster."""
Labels = NDArray[np.int64]
"""For each record a number that records of one cluster share."""
Timed = tuple["Spent", Labels]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the wall, and seconds of all cores together: beside other work only these say how much it was."""

    wall: float
    cores: float


class Stopwatch:
    """What has been spent since it was made."""

    def __init__(self) -> None:
        self._wall, self._cores = time.perf_counter(), time.process_time()

    def read(self) -> Spent:
        """Wall and processor seconds of this process, all threads."""
        return Spent(time.perf_counter() - self._wall, time.process_time() - self._cores)


def apart(patience: float, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> tuple[T, float] | None:
    """What work gives back, done in a process of its own, and the peak of that process in GiB; None out of patience.

    Raises `RuntimeError` where the process ends without an answer.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(theirs, work, given, named))
    process.start()
    theirs.close()
    try:
        if not ours.poll(patience):
            return None
        answer: tuple[T, float] = ours.recv()
    except EOFError:
        raise RuntimeError(f"{getattr(work, '__name__', work)} ended without an answer") from None
    else:
        return answer
    finally:
        process.kill()
        process.join()


def _answer(door: Connection, work: Callable[..., object], given: tuple[object, ...], named: dict[str, object]) -> None:
    answer = work(*given, **named)
    door.send((answer, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))


def millstream(count: int) -> Timed:
    """Splink's weights, contradictions taken out, groups formed with care."""
    import splink  # noqa: F401, PLC0415 - its import is nobody's matching

    records, _ = suppliers(count)
    watch = Stopwatch()
    label = group_rows(records, LAYOUT, dedupe(records, LAYOUT))
    return watch.read(), label


def splink_alone(count: int) -> Timed:
    """The same columns and blocking as its documentation trains and clusters them: ten million sampled pairs."""
    from splink import block_on  # noqa: PLC0415

    records, _ = suppliers(count)
    watch = Stopwatch()
    linker = linker_over(records, LAYOUT)
    rules = [block_on(*rule) for rule in LAYOUT.blocking]
    linker.training.estimate_probability_two_random_records_match(rules[:2], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=10_000_000, seed=7)
    for rule in rules[:2]:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    table = linker.inference.predict(threshold_match_probability=SURE).as_duckdbpyrelation().to_arrow_table()
    label = _connected(count, table["unique_id_l"].to_numpy(), table["unique_id_r"].to_numpy())
    return watch.read(), label


def _connected(count: int, left: Labels, right: Labels) -> Labels:
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    found: Labels = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def goldenmatch(count: int) -> Timed:
    """Without configuration, on the same columns."""
    import goldenmatch as package  # type: ignore[import-untyped, unused-ignore] # noqa: PLC0415

    records, _ = suppliers(count)
    watch = Stopwatch()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        clusters = package.dedupe_df(records).clusters
    spent = watch.read()
    label = np.arange(count)
    for number, cluster in clusters.items():
        label[cluster["members"]] = count + number
    return spent, label
