"""Mappings between the systems' own words and the canonical vocabulary, declared in YAML, one folder a system."""
