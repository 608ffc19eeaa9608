"""`python -m mainstem.localgcp`: local Google Cloud as a program of its own."""

import sys

from mainstem.localgcp.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
