"""A million suppliers: matched, mastered, changed, and asked for (`benchmarks.supplier_records` says who they are).

Peer of the matching is Splink alone in the same run, on the same standardised records with the same comparisons and
blocking, as its documentation builds and clusters such a model. goldenmatch runs without configuration. Each has a
process of its own, so that time and memory are its own; a peer that has not ended after `PATIENCE` seconds is stopped.
Golden records, changes, the match API and memory have a target beside them. `--size 200000` measures fewer.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.contenders import Labels, Spent, Stopwatch, T, Timed, apart, goldenmatch, millstream, splink_alone
from benchmarks.measuring import Figure
from benchmarks.supplier_records import pair_f1, suppliers
from canonical.entities import ENTITIES, frame_schema
from mdm.judgement import Model, load_model
from mdm.lookup import Layers, layered, look_up
from mdm.policy import Policy
from mdm.reconcile import reconcile
from mdm.references import CROSSWALK_SCHEMA
from store import crosswalk, golden
from store.crosswalk import Binding
from store.unit_of_work import Store, Transaction

COUNT = int(os.environ.get("MILLSTREAM_BENCH_RECORDS", "1000000"))
CHANGED = 10_000
ASKED = 2_000
PATIENCE = 1800.0
NOW = datetime(2026, 11, 2, tzinfo=UTC)
POLICY = Policy(entity="partner", golden_id="identity", precedence=("erp", "crm"))
CHUNK = 50_000
STOPPED = "{} beside it (stopped after {:.0f} s)"


def measure() -> list[Figure]:
    """Matching beside Splink and goldenmatch; golden records, changes, look-ups and memory beside their targets."""
    _, owner = suppliers(COUNT)
    matched, matching = _sure(apart(PATIENCE, millstream, COUNT))
    figures = [*_beside("Splink alone", matched, owner), *_beside("goldenmatch", matched, owner)]
    (whole, changed, again), mastering = _sure(apart(PATIENCE, mastered, COUNT, matched[1]))
    (p95, median, rapid), asking = _sure(apart(PATIENCE, asked, COUNT))
    few = f"{changed:,} changed records mastered again"
    return [
        *figures,
        Figure("cluster F1, the target beside it", pair_f1(matched[1], owner), 0.992, "F1"),
        Figure("golden records and crosswalk, the target beside it", whole.wall, 120.0, "s"),
        Figure("golden records and crosswalk, processor time, the target beside it", whole.cores, 120.0, "s"),
        Figure(f"{few}, the target beside it", again.wall, 5.0, "s"),
        Figure(f"{few}, processor time, the target beside it", again.cores, 5.0, "s"),
        Figure(f"match API p95 at {COUNT:,}, the target beside it", p95, 20.0, "ms"),
        Figure("match API median, rapidfuzz over all names beside it", median, rapid, "ms"),
        Figure("peak memory of matching, the limit beside it", matching, 2.0, "GiB"),
        Figure("peak memory of golden records and crosswalk, the limit beside it", mastering, 2.0, "GiB"),
        Figure("peak memory of the match API, the limit beside it", asking, 2.0, "GiB"),
    ]


def _sure(answer: tuple[T, float] | None) -> tuple[T, float]:
    if answer is None:
        raise RuntimeError(f"not ended after {PATIENCE:.0f} s")
    return answer


def _beside(name: str, ours: Timed, owner: Labels) -> list[Figure]:
    """Seconds and F1 beside a peer's, and the peer's memory; why there is none where it did not end or is not here."""
    work = {"Splink alone": splink_alone, "goldenmatch": goldenmatch}[name]
    what = f"match {COUNT:,} suppliers"
    if name == "goldenmatch" and find_spec("goldenmatch") is None:
        return [Figure(f"{what}, {name} not measured (not installed)", ours[0].wall, 0.0, "s")]
    try:
        answer = apart(PATIENCE, work, COUNT)
    except RuntimeError as error:
        return [Figure(f"{what}, {name} not measured ({error})", ours[0].wall, 0.0, "s")]
    if answer is None:
        return [Figure(f"{what}, {STOPPED.format(name, PATIENCE)}", ours[0].wall, PATIENCE, "s")]
    (spent, label), gib = answer
    return [
        Figure(f"{what}, {name} beside it ({gib:.1f} GiB)", ours[0].wall, spent.wall, "s"),
        Figure(f"{what}, processor time, {name} beside it", ours[0].cores, spent.cores, "s"),
        Figure(f"cluster F1, {name} beside it", pair_f1(ours[1], owner), pair_f1(label, owner), "F1"),
    ]


@contextmanager
def _store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'hub.sqlite'}")
        yield store
        store.close()


def _canonical(records: pl.DataFrame) -> pl.DataFrame:
    """The records as a system tells of them."""
    schema = frame_schema(ENTITIES["partner"])
    key = pl.int_range(pl.len()).cast(pl.String)
    return records.select(
        pl.lit("erp").alias("system"), key.alias("source_key"), key.alias("native_id"),
        pl.lit(NOW).cast(schema["changed_at"]).alias("changed_at"), pl.lit([], dtype=schema["absent"]).alias("absent"),
        key.alias("code"), pl.lit("supplier").alias("role"),
        pl.concat_str(["core", "trade"], separator=" ", ignore_nulls=True).alias("name"),
        "tax_number", pl.col("region").alias("city"), "phone",
    )  # fmt: skip


def mastered(count: int, first: Labels) -> tuple[Spent, int, Spent]:
    """Golden records and crosswalk of all; then how many records changed, and what those took."""
    records, _ = suppliers(count)
    with _store() as store:
        canonical = _canonical(records)
        homes = pl.Series("golden_id", first).cast(pl.String)
        known = canonical.select("system", "source_key", "native_id", homes).select(*CROSSWALK_SCHEMA)
        watch = Stopwatch()
        _master(store, canonical, known, "bulk")
        whole = watch.read()
        rows = pl.Series(first).is_in(pl.Series(np.unique(first[:: max(1, count // CHANGED)])).implode())
        changed = canonical.filter(rows).with_columns(pl.concat_str([pl.col("city"), pl.lit(" new")]).alias("city"))
        watch = Stopwatch()
        _master(store, changed, known.filter(rows), "change")
        return whole, changed.height, watch.read()


def _master(store: Store, records: pl.DataFrame, known: pl.DataFrame, run_id: str) -> None:
    outcome = reconcile(POLICY, records, known)
    with store.begin() as tx:
        if run_id == "bulk":
            _bind(tx, outcome.bindings)
        for part in outcome.golden.iter_slices(CHUNK):
            contents = {row["golden_id"]: row for row in part.to_dicts()}
            golden.record(tx, "partner", contents, NOW, run_id, effective=outcome.effective)


def _bind(tx: Transaction, bindings: pl.DataFrame) -> None:
    for part in bindings.iter_slices(CHUNK):
        crosswalk.bind(tx, [Binding(entity="partner", **row) for row in part.to_dicts()], NOW)


def asked(count: int) -> tuple[float, float, float]:
    """Milliseconds of the match API's look-up, p95 and median, and of a rapidfuzz search; names are a letter short."""
    canonical = _canonical(suppliers(count)[0])
    taken = _times(layered(None, "partner", canonical), canonical, load_model("partner"))
    return float(np.percentile(taken, 95)) * 1000, float(np.median(taken)) * 1000, _rapidfuzz(canonical)


def _times(layers: Layers, canonical: pl.DataFrame, model: Model) -> list[float]:
    taken = []
    for row in canonical.sample(min(ASKED, canonical.height), seed=7).iter_rows(named=True):
        asked = {"name": row["name"][1:], "city": row["city"], "phone": row["phone"]}
        started = time.perf_counter()
        look_up(layers, model, asked)
        taken.append(time.perf_counter() - started)
    return taken


def _rapidfuzz(canonical: pl.DataFrame) -> float:
    """Milliseconds of one rapidfuzz search through every name."""
    from rapidfuzz import process  # noqa: PLC0415

    names = canonical["name"].to_list()
    started = time.perf_counter()
    for name in names[:3]:
        process.extract(name[1:], names, limit=5)
    return (time.perf_counter() - started) / 3 * 1000
