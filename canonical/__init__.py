"""The vocabulary every room shares: entities, commands, errors, units, keys and strict loading."""
