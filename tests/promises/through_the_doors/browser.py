"""A person at a browser without scripts: pages over HTTP, forms filled in as they stand, links followed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

WITHIN_S = 60.0
UNREAD = re.compile(r"<(script|style|svg|template)\b.*?</\1>|<[^>]*>", re.DOTALL)
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)


@dataclass
class Form:
    """A form as its page has it: where it is sent, and what it sends if nobody touches it.

    `asks`: the fields to type into; `chosen`: those to choose from.
    """

    action: str = ""
    method: str = "get"
    data: dict[str, str] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    button: str = ""

    @property
    def path(self) -> str:
        return self.action.partition("?")[0].partition("#")[0]


@dataclass(frozen=True)
class Page:
    """What a browser shows at the end of all redirects. `url`: the path in its address bar."""

    status: int
    url: str
    headers: Mapping[str, str]
    text: str
    body: bytes

    @property
    def words(self) -> str:
        """What a person reads in the page's main part, in one line."""
        main = self.text.partition("<main")[2].partition("</main>")[0] if "<main" in self.text else self.text
        return " ".join(unescape(UNREAD.sub(" ", f"<main{main}")).split())

    def forms(self, action: str = "", *, asks: str = "", **data: str) -> list[Form]:
        """The forms that are sent there, ask for this field and carry these values if nobody touches them."""
        forms = [read_form(one) for one in FORM.findall(self.text)]
        return [
            one
            for one in forms
            if action in {"", one.path} and (not asks or asks in one.asks) and data.items() <= one.data.items()
        ]

    def form(self, action: str = "", *, asks: str = "", **data: str) -> Form:
        """The first of them."""
        found = self.forms(action, asks=asks, **data)
        assert found, f"{self.url} ({self.status}) has no form {action} {asks} {data}: {self.words}"
        return found[0]

    def links(self, beginning: str) -> list[str]:
        """The paths that links of this page lead to, of those that begin so."""
        found = (unescape(one) for one in re.findall(r'href="([^"]*)"', self.text))
        return [one for one in dict.fromkeys(found) if one.startswith(beginning)]


class Browser:
    """One browser with its cookies."""

    def __init__(self, base_url: str, *, language: str = "en") -> None:
        self._base_url = base_url
        self._session = requests.Session()
        self._session.headers.update({"Accept-Language": language, "User-Agent": "Mozilla/5.0 (Linux) Firefox/140"})
        self._at = base_url

    def get(self, path: str) -> Page:
        return self._shown(self._session.get(urljoin(self._at, path), timeout=WITHIN_S))

    def send(self, form: Form, **filled: str) -> Page:
        """Press the button of a form. A field that the form does not have can't be filled in, and no other changed."""
        assert filled.keys() <= {*form.asks, *form.chosen}, (filled, form)
        data = {**form.data, **filled}
        url = urljoin(self._at, form.action)
        if form.method == "post":
            headers = {"Referer": self._at, "Origin": self._base_url}
            return self._shown(self._session.post(url, data, headers=headers, timeout=WITHIN_S))
        return self._shown(self._session.get(url, params=data, timeout=WITHIN_S))

    def post(self, path: str, data: Mapping[str, str]) -> Page:
        """Send what no form of ours offered, with this browser's own token against forgeries."""
        token = self._session.cookies.get("csrftoken", "")
        headers = {"Referer": self._at, "Origin": self._base_url}
        whole = {"csrfmiddlewaretoken": token, **data}
        return self._shown(self._session.post(urljoin(self._at, path), whole, headers=headers, timeout=WITHIN_S))

    def _shown(self, answer: requests.Response) -> Page:
        self._at = answer.url
        path = answer.url.removeprefix(self._base_url)
        return Page(answer.status_code, path, answer.headers, answer.text, answer.content)


class _Fields(HTMLParser):
    """Reads one form."""

    TYPED = ("text", "tel", "password", "email", "search", "url", "number", "date")

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self._select = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        had = {name: value or "" for name, value in attrs}
        reads = {
            "form": self._form, "textarea": self._typed, "select": self._chosen, "option": self._option,
            "input": self._input, "button": self._button,
        }  # fmt: skip
        if tag in reads:
            reads[tag](had)

    def _form(self, had: Mapping[str, str]) -> None:
        self.form.action, self.form.method = had.get("action", ""), had.get("method", "get")

    def _typed(self, had: Mapping[str, str]) -> None:
        self.form.asks.append(had["name"])
        self.form.data[had["name"]] = ""

    def _chosen(self, had: Mapping[str, str]) -> None:
        self._select = had["name"]
        self.form.chosen.append(had["name"])

    def _option(self, had: Mapping[str, str]) -> None:
        if "selected" in had or self._select not in self.form.data:
            self.form.data[self._select] = had.get("value", "")

    def _input(self, had: Mapping[str, str]) -> None:
        kind, name = had.get("type", "text"), had.get("name", "")
        if kind in self.TYPED:
            self.form.asks.append(name)
            self.form.data[name] = had.get("value", "")
        elif kind in {"radio", "checkbox"}:
            self.form.chosen.append(name)
            if "checked" in had:
                self.form.data[name] = had.get("value", "on")
        elif kind == "hidden":
            self.form.data[name] = had.get("value", "")

    def _button(self, had: Mapping[str, str]) -> None:
        # The first button is the one that Enter presses.
        if not self.form.button and "name" in had:
            self.form.data[had["name"]] = had.get("value", "")
        self.form.button = self.form.button or had.get("name", "-")


def read_form(source: str) -> Form:
    """What a browser makes of a form."""
    form = Form()
    _Fields(form).feed(source)
    return form
