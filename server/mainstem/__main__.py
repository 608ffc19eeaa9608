"""`python -m mainstem`."""

import sys

from mainstem.cli.main import main

sys.exit(main())
