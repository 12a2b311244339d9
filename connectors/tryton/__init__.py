"""Tryton: the folder's own Python, for what `system.yaml` cannot say."""
