"""What orders need of each work centre, beside the working time it has there, maintenance taken out."""

from __future__ import annotations

from collections.abc import Sequence

from canonical.plan import Plan, PlanningSnapshot
from pipeline.capacity import capacities
from pipeline.golden_rows import Frames
from planning.load import Bucket, Load, load_lines, loads, steps_of
from planning.promise.accepting import Held
from store.plan_rows import LoadRow

MINUTE = 60


def load_of(
    plan: Plan,
    picture: PlanningSnapshot,
    frames: Frames,
    company: str | None,
    *,
    held: Sequence[Held] = (),
    bucket: Bucket = "week",
) -> tuple[Load, ...]:
    """Minutes needed and available by work centre and bucket, with the orders that need them.

    `frames` has work centres and the days that differ; `company` names the calendar of centres that name none.
    """
    capacity = capacities(frames, picture, company)
    steps = steps_of(picture.operations, {item.code: item for item in picture.items})
    return load_lines(loads(plan, picture, steps, capacity, held), capacity, picture.as_of, bucket)


def load_rows(found: Sequence[Load]) -> list[LoadRow]:
    """The same in whole seconds, as it is kept."""
    return [
        LoadRow(
            load.work_centre,
            load.bucket,
            int(load.needed * MINUTE),
            None if load.available is None else int(load.available * MINUTE),
        )
        for load in found
    ]
