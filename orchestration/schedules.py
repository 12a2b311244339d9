"""The timetable, on plant time. Stopped at first: a clean clone must not write before a person says so."""

from __future__ import annotations

import dagster as dg

from orchestration.jobs import Jobs

EVERY_QUARTER = "*/15 * * * *"
EVERY_FIVE = "*/5 * * * *"
"""Hours of quiet end and escalations fall due between two passes."""
NIGHTLY = "30 2 * * *"
"""Deletions that a system does not tell are found by the nightly full pull."""


def all_schedules(jobs: Jobs, timezone: str) -> list[dg.ScheduleDefinition]:
    """A pass every fifteen minutes, a full refresh each night, and every five minutes what people wait to hear."""
    stopped = dg.DefaultScheduleStatus.STOPPED
    return [
        dg.ScheduleDefinition(
            name="every_quarter", job=jobs.one_pass, cron_schedule=EVERY_QUARTER,
            execution_timezone=timezone, default_status=stopped,
        ),
        dg.ScheduleDefinition(
            name="nightly_refresh", job=jobs.refresh, cron_schedule=NIGHTLY,
            execution_timezone=timezone, default_status=stopped,
        ),
        dg.ScheduleDefinition(
            name="tell_people", job=jobs.notify_only, cron_schedule=EVERY_FIVE,
            execution_timezone=timezone, default_status=stopped,
        ),
    ]  # fmt: skip
