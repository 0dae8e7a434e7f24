"""Take the pictures in docs/pictures at a running demo: `uv run python -m tests.browser.pictures DATA_DIR`.

DATA_DIR is the demo's, `.data` unless it was started with another; start it with `--fresh`. Beside the pictures goes
`words.txt`, the headings and buttons in them: `tests/conventions/test_pictures.py` fails once one of these is worded
otherwise, and the pictures are to be taken again.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.demo import Demo, read_demo, sign_in_staff, sign_in_subscriber
from tests.conventions.pictures import PICTURES, SCHEMES, WORDS, sentences_said

CHROMIUM = "/usr/bin/chromium-headless-shell"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
PHONE, DESKTOP = {"width": 390, "height": 780}, {"width": 1280, "height": 800}
READ = "main h1, main h2, main button"


def main(data_dir: Path) -> None:
    """Take each picture in each of its colour schemes, and write down what is read in them."""
    demo, read = read_demo(data_dir), set[str]()
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, page in _pages(browser, demo):
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                page.reload()  # the console's own script asks for the scheme once
                page.screenshot(path=PICTURES / f"{name}-{scheme}.png")
            read.update(" ".join(one.split()) for one in page.locator(READ).all_inner_texts())
        browser.close()
    WORDS.write_text("".join(f"{one}\n" for one in sorted(read & sentences_said())))


def _pages(browser: Browser, demo: Demo) -> Iterator[tuple[str, Page]]:
    with _visit(browser, PHONE) as context:
        page = sign_in_subscriber(context, demo)
        yield "home", page
        page.click("button[name=stop-all]")
        page.wait_for_url("**/choices/*/")
        # Until partners have signed, as the page itself says when it is loaded again.
        page.wait_for_timeout(15_000)
        page.reload()
        yield "progress", page
    for name, role, path in (("console", "officer", "/admin/"), ("desk", "agent", "/desk/")):
        with _visit(browser, DESKTOP) as context:
            page = sign_in_staff(context, demo, role)
            page.goto(f"{demo['base_url']}{path}")
            yield name, page


@contextmanager
def _visit(browser: Browser, size: dict[str, int]) -> Iterator[BrowserContext]:
    # A button that still turns from light to dark can't be read.
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, locale="en-US", reduced_motion="reduce"
    )
    yield context
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".data"))
