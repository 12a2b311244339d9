"""The seeded factory: what is true in the plant, and how each system sees it."""
