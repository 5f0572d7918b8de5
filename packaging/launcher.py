"""Where the frozen program starts."""

import sys

from gnt.cli.main import main

sys.exit(main())
