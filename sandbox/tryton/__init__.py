"""A real Tryton ERP beside the hub: built, loaded, served and questioned from outside.

Tryton is GPL-3 and lives in its own environment (`.venv-tryton`) and process. Nothing here
imports it: its own command line creates the database, and everything else is JSON-RPC.
"""
