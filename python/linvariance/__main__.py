"""`python -m linvariance` is the command `linvariance`."""

import sys

from linvariance.experiments.cli import main

if __name__ == "__main__":
    sys.exit(main())
