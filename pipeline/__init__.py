"""The route, one verb a module: land, conform, reconcile, judge, plan, decide, deliver, measure.

A stage function takes the hub and keys, reads like a paragraph, and is called alike from a Dagster
asset, the command line, a test, or the relay.
"""
