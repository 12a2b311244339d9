"""Worked cases of the form `mrp-case/1`, run through the planner, to check it against a known answer."""
