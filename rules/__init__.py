"""Synchronisation rules: WHEN something changed, IF a condition holds, THEN these commands. Pure."""
