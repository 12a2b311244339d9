"""The compiled planner; importing `planning.kernels.solving` imports numba, so only `planning.fast` does."""
