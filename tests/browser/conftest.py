"""A real Chromium, the product behind a real port, and a person who has signed in."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from portal.wsgi import whole_product as application
from tests.people import sign_in
from tests.selection import NIGHTLY
from tests.support.officers import Member

type Visit = Callable[..., BrowserContext]

# The same engine without a window, for half the processor time; by night the whole browser.
HEADLESS, CHROMIUM = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")


class Quiet(WSGIRequestHandler):
    """Says nothing about each request."""

    def log_message(self, *args: object) -> None:
        """Not even here."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    there = [path for path in ((CHROMIUM, HEADLESS) if NIGHTLY else (HEADLESS, CHROMIUM)) if path.exists()]
    if not there:
        if os.environ.get("CI"):
            pytest.fail("CI runs the browser tests: install Debian's chromium-headless-shell")
        pytest.skip("no Chromium in /usr/bin: install Debian's chromium-headless-shell to run the browser tests")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(there[0]), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def site(
    committed_db: None, no_broker: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """The product at an address of this machine, on the test's database."""
    # Playwright runs its own event loop in this thread; the ORM is used between its steps, never inside them.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    MemoryBackend.outbox.clear()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet, allow_reuse_address=True)
    server.daemon_threads = True
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visit(site: str, chromium: Browser) -> Iterator[Visit]:
    """A visitor's browser: `width`, `scheme`, `script`, `language`, and the `line` or `member` of staff signed in."""
    contexts: list[BrowserContext] = []
    signed_in: dict[int, dict[str, str]] = {}

    def open_context(
        *, line: Line | None = None, member: Member | None = None, width: int = 390, scheme: str = "light",
        script: bool = True, language: str = "en",
    ) -> BrowserContext:  # fmt: skip
        context = chromium.new_context(
            base_url=site,
            viewport={"width": width, "height": 844},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        cookies = {"django_language": language}
        if line is not None:
            if line.pk not in signed_in:
                browser = sign_in(line)
                signed_in[line.pk] = {name: morsel.value for name, morsel in browser.client.cookies.items()}
            cookies |= signed_in[line.pk]
        if member is not None:
            cookies |= {name: morsel.value for name, morsel in member.client.cookies.items()}
        context.add_cookies([{"name": name, "value": value, "url": site} for name, value in cookies.items() if value])
        contexts.append(context)
        return context

    yield open_context
    for context in contexts:
        context.close()
