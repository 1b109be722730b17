"""`python -m procpulse`."""

import sys

from procpulse.cli import main

sys.exit(main())
