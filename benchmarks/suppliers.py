"""A million suppliers, a quarter of them corrupted copies: matched, mastered, changed, and asked for.

Peer of the matching is Splink alone in the same run, on the same standardised records with the same comparisons, as
its documentation builds such a model, clusters by connected components. goldenmatch and rapidfuzz stand beside it
where they are installed. Figures of golden records, changes and the match API have a target beside them, not a peer.
Set MILLSTREAM_BENCH_RECORDS to measure fewer.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.measuring import Figure
from canonical.entities import ENTITIES, frame_schema
from mdm.dedupe import Comparison, Weighed, dedupe, group_rows
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
COLUMNS: Mapping[str, Comparison] = {
    "core": "name", "trade": "exact", "region": "exact", "phone": "digits", "tax_number": "digits", "street": "name"
}  # fmt: skip
BLOCKING = (
    ("tax_number",), ("phone",), ("core", "region"), ("street", "region"), ("substr(core, 1, 4)", "region", "trade")
)  # fmt: skip
NOW = datetime(2026, 11, 2, tzinfo=UTC)
POLICY = Policy(entity="partner", golden_id="identity", precedence=("erp", "crm"))
CHUNK = 50_000
MISTYPED = 0.2
_TYPED = ("core", "street", "phone")
_SYLLABLES = [f"{a}{b}" for a in "bcdfghjklmnpqrstvwxyz" for b in ("a", "e", "i", "o", "u", "an", "en", "ing", "ong")]
_TRADES = [f"trade{k}" for k in range(40)]
_REGIONS = [f"region{k}" for k in range(120)]


def suppliers(count: int, seed: int = 7) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Standardised records, and for each the true supplier it belongs to."""
    rng = np.random.default_rng(seed)
    originals = count * 4 // 5
    owner = np.concatenate([np.arange(originals), rng.choice(originals, count - originals, replace=False)])
    parts = [np.array(_SYLLABLES)[rng.integers(0, len(_SYLLABLES), originals)] for _ in range(3)]
    core = np.char.add(np.char.add(parts[0], parts[1]), parts[2])
    street = np.char.add(np.array(_SYLLABLES)[rng.integers(0, len(_SYLLABLES), originals)], "road")
    number = rng.integers(1, 900, originals).astype(str)
    base = pl.DataFrame(
        {
            "core": core,
            "trade": np.array(_TRADES)[rng.integers(0, len(_TRADES), originals)],
            "region": np.array(_REGIONS)[rng.integers(0, len(_REGIONS), originals)],
            "phone": rng.choice(10**9, originals, replace=False).astype(str),
            "tax_number": np.char.add("9", rng.choice(10**10, originals, replace=False).astype(str)),
            "street": np.char.add(np.char.add(street, " "), number),
        }
    )
    records = base[owner]
    return _corrupted(records, np.arange(count) >= originals, rng), owner


def _corrupted(records: pl.DataFrame, copies: NDArray[np.bool_], rng: np.random.Generator) -> pl.DataFrame:
    """Copies lose values and letters; originals lose a few values."""
    lost = {"phone": (0.1, 0.3), "tax_number": (0.1, 0.4), "street": (0.05, 0.2), "trade": (0.02, 0.1)}
    count = records.height
    columns = {}
    for name in records.columns:
        values = records[name].to_numpy().astype(object)
        if name in lost:
            share = np.where(copies, lost[name][1], lost[name][0])
            values[rng.random(count) < share] = None
        for row in np.flatnonzero(copies & (rng.random(count) < MISTYPED)) if name in _TYPED else []:
            text = values[row]
            if text:
                at = int(rng.integers(1, len(text)))
                values[row] = text[:at] + text[at + 1 :]
        columns[name] = pl.Series(name, values.tolist(), dtype=pl.String)
    return pl.DataFrame(columns)


def measure() -> list[Figure]:
    """Matching beside Splink; golden records, changes and look-ups beside their targets."""
    records, owner = suppliers(COUNT)
    peer_seconds, peer_f1 = _splink_alone(records, owner)
    started = time.perf_counter()
    pairs = dedupe(records, COLUMNS, BLOCKING)
    first = group_rows(COUNT, pairs)
    seconds = time.perf_counter() - started
    figures = [
        Figure(f"match {COUNT:,} suppliers, Splink alone beside it", seconds, peer_seconds, "s"),
        Figure("cluster F1, Splink alone beside it", _f1(first, owner), peer_f1, "F1"),
        *_goldenmatch(records, seconds),
    ]
    with _store() as store:
        figures += _mastered(store, records, first)
    figures += _asked(records)
    return [*figures, Figure("peak memory, beside the limit", _peak_gib(), 2.0, "GiB")]


def _splink_alone(records: pl.DataFrame, owner: NDArray[np.int64]) -> tuple[float, float]:
    """Splink's own pairs and its connected components."""
    from scipy.sparse import coo_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    started = time.perf_counter()
    pairs = _documented(records)
    graph = coo_matrix((np.ones(len(pairs)), (pairs.a, pairs.b)), shape=(COUNT, COUNT))
    _, label = connected_components(graph, directed=False)
    return time.perf_counter() - started, _f1(label.astype(np.int64), owner)


def _documented(records: pl.DataFrame) -> Weighed:
    """The same model as Splink's documentation trains it: ten million sampled pairs."""
    from mdm import dedupe as module  # noqa: PLC0415

    linker = module._linker(records, COLUMNS, BLOCKING)  # noqa: SLF001 - the same settings, by design
    from splink import block_on  # noqa: PLC0415

    rules = [block_on(*rule) for rule in BLOCKING]
    linker.training.estimate_probability_two_random_records_match(rules[:2], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=10_000_000, seed=7)
    for rule in rules[:2]:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    table = linker.inference.predict(threshold_match_probability=0.5).as_duckdbpyrelation().to_arrow_table()
    left, right = table["unique_id_l"].to_numpy(), table["unique_id_r"].to_numpy()
    return Weighed(left.astype(np.int64), right.astype(np.int64), table["match_probability"].to_numpy())


def _f1(label: NDArray[np.int64], owner: NDArray[np.int64]) -> float:
    """F1 over pairs of records in one cluster."""
    both = pl.DataFrame({"label": label, "owner": owner})

    def pairs(*names: str) -> int:
        return int(both.group_by(names).len().select((pl.col("len") * (pl.col("len") - 1) // 2).sum()).item())

    right = pairs("label", "owner")
    return 2 * right / (pairs("label") + pairs("owner"))


def _goldenmatch(records: pl.DataFrame, ours: float) -> list[Figure]:
    """Goldenmatch without configuration, where it is installed."""
    try:
        import goldenmatch  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        return []
    started = time.perf_counter()
    goldenmatch.dedupe_df(records)
    return [Figure("match, goldenmatch beside it", ours, time.perf_counter() - started, "s")]


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


def _mastered(store: Store, records: pl.DataFrame, first: NDArray[np.int64]) -> list[Figure]:
    """Golden records and crosswalk of all, then of ten thousand that changed."""
    canonical = _canonical(records)
    homes = pl.Series("golden_id", first).cast(pl.String)
    known = canonical.select("system", "source_key", "native_id", homes).select(*CROSSWALK_SCHEMA)
    started = time.perf_counter()
    _master(store, canonical, known, "bulk")
    whole = time.perf_counter() - started
    touched = pl.Series(np.unique(first[:: max(1, COUNT // CHANGED)]))
    rows = pl.Series(first).is_in(touched.implode())
    changed = canonical.filter(rows).with_columns(pl.concat_str([pl.col("city"), pl.lit(" new")]).alias("city"))
    started = time.perf_counter()
    _master(store, changed, known.filter(rows), "change")
    again = time.perf_counter() - started
    return [
        Figure("golden records and crosswalk, beside the target", whole, 120.0, "s"),
        Figure(f"{changed.height:,} changed records mastered again, beside the target", again, 5.0, "s"),
    ]


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


def _asked(records: pl.DataFrame) -> list[Figure]:
    """How long the match API's look-up takes, of records written a little otherwise."""
    canonical = _canonical(records)
    layers = layered(None, "partner", canonical)
    model = load_model("partner")
    taken = _times(layers, canonical, model)
    rapid = _rapidfuzz(canonical)
    return [
        Figure(f"match API p95 at {COUNT:,}, beside the target", float(np.percentile(taken, 95)) * 1000, 20.0, "ms"),
        Figure("match API median, rapidfuzz over all names beside it", float(np.median(taken)) * 1000, rapid, "ms"),
    ]


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


def _peak_gib() -> float:
    import resource  # noqa: PLC0415

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
