"""The planner: pure functions from one snapshot to one plan; `planning.mrp` is the entry."""
