"""The only SQL in the hub: one schema on SQLite and PostgreSQL, and the Parquet files beside it."""
