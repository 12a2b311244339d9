"""The thin Dagster assets and checks: one factory a kind; what they do stands in `pipeline`."""
