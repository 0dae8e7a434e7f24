"""Lighthouse on the running demo's public and signed-in pages: `uv run python -m tests.browser.lighthouse DATA_DIR`.

DATA_DIR is the demo's, `.data` unless it was started with another. Needs Node 20 and Chromium; npm brings Lighthouse.
Prints the four scores of each page, and what costs points. Ends with 1 where one is below LEAST.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.demo import Demo, read_demo, sign_in_subscriber

# The newest that runs on Node 20.
LIGHTHOUSE = "lighthouse@12.8.2"
CHROMIUM = next(
    (one for one in ("/usr/bin/chromium", "/usr/bin/chromium-headless-shell") if Path(one).exists()), "chromium"
)
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking"
PUBLIC = ("/", "/stop/", "/help/", "/safety/", "/transparency/", "/check-a-receipt/", "/accounts/login/")
SIGNED_IN = ("/home/", "/history/", "/choices/", "/lines/", "/access-log/", "/settings/")
# Signed-in pages, and those that nobody should come to from a search, tell search engines to stay away.
NOT_FOR_SEARCH = (*SIGNED_IN, "/accounts/login/", "/check-a-receipt/")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = {"performance": 0.98, "accessibility": 1.0, "best-practices": 1.0, "seo": 0.99}
# What this machine did beside it costs points too: the best of so many counts.
TRIES = 3


@dataclass(frozen=True)
class Looked:
    """One page's scores, and the audits that did not pass."""

    scores: dict[str, float]
    failed: list[str]

    @property
    def worst(self) -> float:
        """By how much the weakest score is above what it must be; below zero where it is not."""
        return min(score - LEAST[name] for name, score in self.scores.items())


def main(data_dir: Path) -> int:
    """Look at every page. How many are below what is wanted."""
    demo = read_demo(data_dir)
    base, cookie = demo["base_url"], signed_in(demo)
    below = 0
    for path, given in [*((path, "") for path in PUBLIC), *((path, cookie) for path in SIGNED_IN)]:
        best = max(looks(base + path, given, path not in NOT_FOR_SEARCH), key=lambda one: one.worst)
        below += best.worst < 0
        scores = "  ".join(f"{name} {score:.0%}" for name, score in best.scores.items())
        sys.stdout.write(f"{path:<20} {scores}\n" + "".join(f"    {one}\n" for one in best.failed))
        sys.stdout.flush()
    return below


def looks(url: str, cookie: str, searched: bool) -> Iterator[Looked]:
    """Look until a page is good enough, at most TRIES times."""
    for _ in range(TRIES):
        look = looked(url, cookie, CATEGORIES if searched else CATEGORIES[:-1])
        yield look
        if look.worst >= 0:
            return


def looked(url: str, cookie: str, categories: tuple[str, ...]) -> Looked:
    """One run of Lighthouse, as a phone on a slow network."""
    command = [
        "npx", "--yes", LIGHTHOUSE, url, "--quiet", "--output=json", f"--chrome-flags={FLAGS}",
        f"--only-categories={','.join(categories)}",
    ]  # fmt: skip
    if cookie:
        command.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    environment = {**os.environ, "CHROME_PATH": CHROMIUM}
    told = subprocess.run(command, capture_output=True, check=True, env=environment)
    report: dict[str, Any] = json.loads(told.stdout)
    wanted = {one["id"] for each in report["categories"].values() for one in each["auditRefs"] if one["weight"]}
    failed = [
        f"{name}: {audit['title']} {audit.get('displayValue', '')}".rstrip()
        for name, audit in report["audits"].items()
        if name in wanted and audit["score"] is not None and audit["score"] < 1
    ]
    return Looked({name: report["categories"][name]["score"] for name in categories}, failed)


def signed_in(demo: Demo) -> str:
    """The cookies of the demo's first subscriber, signed in."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        context = browser.new_context()
        sign_in_subscriber(context, demo)
        found = context.cookies()
        browser.close()
    return "; ".join(f"{one['name']}={one['value']}" for one in found)


if __name__ == "__main__":
    sys.exit(min(1, main(Path(sys.argv[1] if len(sys.argv) > 1 else ".data"))))
