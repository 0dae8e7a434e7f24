"""A browser without JavaScript, as far as the trial needs one: it keeps cookies and sends the forms it was given."""

import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode

from django.conf import settings

from partners.clients import http
from partners.clients.http import Reply

TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
FORM = "application/x-www-form-urlencoded"


class Visitor:
    """One browser at the address that people use."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self._page, self._token = "/", ""

    def get(self, path: str) -> Reply:
        """Open a page."""
        reply = http.get(url=f"{settings.BASE_URL}{path}", headers={**self._headers(), "Accept": "text/html"})
        self._page = path
        return self._store_cookies(reply)

    def post(self, path: str, form: Mapping[str, str]) -> Reply:
        """Send the form of the page that is open."""
        body = urlencode({**form, "csrfmiddlewaretoken": self._token}).encode()
        sent = {**self._headers(), "Accept": "text/html"}
        return self._store_cookies(
            http.post(url=f"{settings.BASE_URL}{path}", body=body, content_type=FORM, headers=sent)
        )

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Referer": f"{settings.BASE_URL}{self._page}", **({"Cookie": cookies} if cookies else {})}

    def _store_cookies(self, reply: Reply) -> Reply:
        for header in reply.cookies:
            try:
                self._cookies |= {name: one.value for name, one in SimpleCookie(header).items()}
            except CookieError:
                continue
        found = TOKEN.search(reply.body)
        self._token = found[1].decode("ascii", "replace") if found else self._token
        return reply
