"""Somebody with a browser without JavaScript."""

import re
import urllib.request
from http.cookiejar import CookieJar
from ssl import SSLContext
from urllib.parse import urlencode, urljoin

WITHIN_S = 30.0


class Visitor:
    """Opens pages and sends their forms, and keeps cookies. `trusts`: whose certificates, if not the system's."""

    def __init__(self, base: str, trusts: SSLContext | None = None) -> None:
        self.base, self.url, self.page = base, base, ""
        handlers = [urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.HTTPSHandler(context=trusts)]
        self._opener = urllib.request.build_opener(*handlers)

    def go(self, path: str, **form: str) -> None:
        """Open an address; with a form, send it as the page that is open has it."""
        sent = None
        if form:
            (token, *_) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
            sent = urlencode({**form, "csrfmiddlewaretoken": token}).encode()
        asked = urllib.request.Request(urljoin(self.base, path), data=sent, headers={"Referer": self.url})
        with self._opener.open(asked, timeout=WITHIN_S) as answer:
            self.url, self.page = answer.url, answer.read().decode()

    def field(self, pattern: str) -> str:
        """The name of the field that looks so."""
        tags: list[str] = [tag for tag in re.findall(r"<input[^>]*>", self.page) if pattern in tag]
        return tags[0].partition('name="')[2].partition('"')[0]
