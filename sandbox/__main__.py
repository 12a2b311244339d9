"""`python -m sandbox`: starts, works, disturbs and reads the four simulated systems."""

import sys

from sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
