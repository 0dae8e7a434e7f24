"""Before a release: every page and state in every language, light and width, looked at by axe.

`uv run python -m tests.browser.release` says how far it is and how long it still takes, and in the end what is wrong on
which page. Ended early, it goes on where it was; what had faults is looked at again, and with `--afresh` everything.
A part: `... release home choice --language ar --light dark --width 320`. The tests of every day look at each page once.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

KEPT = Path(".data") / "release.jsonl"
LANGUAGES = ("en", "es", "zh-hans", "vi", "ar")
LIGHTS = ("light", "dark", "forced")
# 320 px is a page of 1280 px at 400 % zoom.
WIDTHS = (320, 390, 1280)


def main() -> int:
    """Ask for what, and look."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.release", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wanted", nargs="*", help="a part of a page's name, or `state`; all where none is named")
    parser.add_argument("--language", dest="languages", action="append", choices=LANGUAGES)
    parser.add_argument("--light", dest="lights", action="append", choices=LIGHTS)
    parser.add_argument("--width", dest="widths", action="append", type=int, choices=WIDTHS)
    parser.add_argument("--afresh", action="store_true", help="forget what was looked at before")
    asked = vars(parser.parse_args())
    every: dict[str, tuple[object, ...]] = {"languages": LANGUAGES, "lights": LIGHTS, "widths": WIDTHS}
    asked |= {name: asked[name] or all_ for name, all_ in every.items()}
    KEPT.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-n", "0", "-s", "--tb=no", str(Path(__file__).with_name("every.py"))]
    return subprocess.call(command, env={**os.environ, "RELEASE": json.dumps(asked)})


if __name__ == "__main__":
    sys.exit(main())
