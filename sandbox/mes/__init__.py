"""The simulated manufacturing execution system: a modern REST API over one SQLite database."""
