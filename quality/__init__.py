"""Rulebooks: compiled to row rules and to Great Expectations suites with equal verdicts."""
