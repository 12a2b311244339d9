"""The command line `millstream`: one verb a module, fast to start, each with `--json`."""
