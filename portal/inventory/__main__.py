"""Print `docs/data.md`."""

import sys

from portal.inventory.document import document

sys.stdout.write(document())
