"""The Dagster deployment: definitions, jobs, schedules, sensors and resources."""
