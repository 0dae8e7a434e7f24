"""Print `docs/reference/data.md`."""

import sys

from portal.inventory.document import document

sys.stdout.write(document())
