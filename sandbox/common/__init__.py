"""What the four simulated systems share: state, ledger, hostile mode, server."""
