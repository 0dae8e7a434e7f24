"""Before a release: every page and state in every language, light, dark and in forced colours.

`uv run python -m tests.browser.release` takes some minutes; the tests of every day look at each of these once.
"""

import os
import subprocess
import sys

if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", "tests/browser", *sys.argv[1:]]
    sys.exit(subprocess.call(command, env={**os.environ, "BROWSER_FULL": "1"}))
