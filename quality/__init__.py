"""Judging: rulebooks, the verdicts drawn from them in two engines, and the quarantine of what fails."""
