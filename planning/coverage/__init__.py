"""When the demands of a plan in tables are covered, and who moves when some change: `planning.feasible`, compiled."""
