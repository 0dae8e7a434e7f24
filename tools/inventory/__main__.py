"""Print `docs/reference/data.md`."""

import sys

from tools.inventory.document import document

sys.stdout.write(document())
