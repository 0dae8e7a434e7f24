"""People at browsers without JavaScript, many at once: they stop without an account, or look at their pages."""

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Lock
from urllib.parse import urlencode, urlsplit

from tools.bench.measure import BenchmarkFailed

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
MOST_AT_ONCE = 96
PATIENCE_S = 60.0
SENT_ON = range(300, 400)
# What a page's form repeats of its cookie.
CSRF = "c" * 32


@dataclass(frozen=True)
class Page:
    """What one request came to."""

    path: str
    status: int
    seconds: float
    text: str


@dataclass
class PageLog:
    """What all of them saw, whoever it was."""

    pages: list[tuple[str, int, float]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def note(self, what: str, page: Page) -> None:
        with self.lock:
            self.pages.append((what, page.status, page.seconds))

    def ms(self, *, but: Sequence[int] = ()) -> list[float]:
        """Return how long each answer took, of these statuses none."""
        return [1000 * seconds for _, status, seconds in self.pages if status not in but]

    def count(self, status: int) -> int:
        return sum(one == status for _, one, _ in self.pages)


class Browser:
    """One browser on one connection, with its cookies. `http`: a connection that a proxy keeps for all."""

    def __init__(self, *, port: int, seen: PageLog, session: str = "", http: HTTPConnection | None = None) -> None:
        self._http = http or HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self._cookies = {"sessionid": session} if session else {}
        self._seen = seen

    def look(self, path: str, *, what: str) -> Page:
        """Return a page, or what there is instead."""
        return self._ask("GET", path, what, "")

    def send(self, path: str, page: Page, given: dict[str, str], *, what: str) -> Page:
        """Send the form of this page, and go where it leads."""
        found = TOKEN.search(page.text)
        if found is None:
            raise BenchmarkFailed(f"{page.path} answered {page.status} and shows no form")
        form = urlencode({"csrfmiddlewaretoken": found[1], **given})
        answer = self._ask("POST", path, what, form)
        if answer.status not in SENT_ON:
            raise BenchmarkFailed(f"{path} answered {answer.status}, not where to go on")
        return self.look(answer.text, what=f"after {what}")

    def press(self, path: str, given: dict[str, str], *, what: str) -> str:
        """Send the form of a page that lay open. Returns where it leads."""
        self._cookies["csrftoken"] = CSRF
        answer = self._ask("POST", path, what, urlencode({"csrfmiddlewaretoken": CSRF, **given}))
        if answer.status not in SENT_ON:
            raise BenchmarkFailed(f"{path} answered {answer.status}, not where to go on")
        return answer.text

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, what: str, body: str) -> Page:
        headers = {"Host": "localhost", "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        try:
            self._http.request(method, path, body or None, headers)
            response = self._http.getresponse()
            text = response.read().decode()
        except (OSError, HTTPException) as error:
            raise BenchmarkFailed(f"{what}: no answer within {PATIENCE_S:.0f} s ({type(error).__name__})") from error
        page = Page(path, response.status, time.perf_counter() - began, self._store_cookies(response) or text)
        self._seen.note(what, page)
        return page

    def _store_cookies(self, response: HTTPResponse) -> str:
        """Keep the cookies; where it leads, or ""."""
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        where = urlsplit(response.headers.get("Location", ""))
        return f"{where.path}?{where.query}" if where.query else where.path


def stop(*, port: int, seen: PageLog, number: str, code: Callable[[str], str]) -> None:
    """Stop all sharing for a number, as somebody who read the news does, and look at how far it has come."""
    browser = Browser(port=port, seen=seen)
    try:
        page = browser.look("/stop/", what="number")
        page = browser.send("/stop/", page, {"number": number}, what="number sent")
        page = browser.send("/stop/code/", page, {"code": code(number)}, what="code sent")
        page = browser.send(page.path, page, {"stop-all": "1"}, what="stopped")
        if not page.path.startswith("/stop/progress/"):
            raise BenchmarkFailed(f"a stop led to {page.path}")
    finally:
        browser.close()


def at_pace(*, count: int, a_second: float, act: Callable[[int], None]) -> float:
    """Begin so many acts at an even pace, whatever becomes of them; the seconds until the last was done.

    Raises what the first of them that failed raised.
    """
    begin = time.monotonic()
    done: list[Future[None]] = []
    with ThreadPoolExecutor(MOST_AT_ONCE) as people:
        for number in range(count):
            time.sleep(max(0.0, begin + number / a_second - time.monotonic()))
            done.append(people.submit(act, number))
    for one in done:
        one.result()
    return time.monotonic() - begin
