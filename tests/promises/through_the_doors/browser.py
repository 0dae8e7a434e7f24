"""A person at a browser without scripts: pages over HTTP, forms filled in as they stand, links followed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urljoin

import requests

from tests.words.pages import Part, read

WITHIN_S = 60.0
TYPED = frozenset({"text", "tel", "password", "email", "search", "url", "number", "date"})


@dataclass
class Form:
    """A form as its page has it: where it is sent, and what it sends if nobody touches it.

    `asks`: the fields to type into; `chosen`: those to choose from.
    """

    path: str
    action: str
    method: str
    data: dict[str, str] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """What a browser shows at the end of all redirects. `url`: the path in its address bar."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @cached_property
    def main(self) -> Part:
        """Its main part."""
        return read(self.text).one("main")

    @property
    def words(self) -> str:
        """What a person reads there, in one line."""
        return self.main.words

    def forms(self, action: str = "", *, asks: str = "", **data: str) -> list[Form]:
        """The forms there that are sent to this path, ask for this field and carry these values if nobody touches them.

        One without a path of its own is sent back to its page.
        """
        forms = [_form(one, self.url) for one in self.main.all("form")]
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
        """The paths that links there lead to, of those that begin so."""
        found = (one.attributes.get("href", "") for one in self.main.all("a"))
        return [one for one in dict.fromkeys(found) if one.startswith(beginning)]


class Browser:
    """One browser with its cookies. `pressed`: how many buttons its person has pressed."""

    def __init__(self, base_url: str) -> None:
        self.pressed = 0
        self._base_url = base_url
        self._session = requests.Session()
        self._session.headers.update({"Accept-Language": "en", "User-Agent": "Mozilla/5.0 (Linux) Firefox/140"})
        self._at = base_url

    def get(self, path: str) -> Page:
        return self._shown(self._session.get(urljoin(self._at, path), timeout=WITHIN_S))

    def send(self, form: Form, **filled: str) -> Page:
        """Press the first button of a form. A field that the form does not have can't be filled in."""
        assert filled.keys() <= {*form.asks, *form.chosen}, (filled, form)
        self.pressed += 1
        data = {**form.data, **filled}
        if form.method == "post":
            return self._post(form.action, data)
        return self._shown(self._session.get(urljoin(self._at, form.action), params=data, timeout=WITHIN_S))

    def post(self, path: str, data: Mapping[str, str]) -> Page:
        """Send what no form of ours offered, with this browser's own token against forgeries."""
        return self._post(path, {"csrfmiddlewaretoken": self._session.cookies.get("csrftoken") or "", **data})

    def _post(self, path: str, data: Mapping[str, str]) -> Page:
        headers = {"Referer": self._at, "Origin": self._base_url}
        return self._shown(self._session.post(urljoin(self._at, path), dict(data), headers=headers, timeout=WITHIN_S))

    def _shown(self, answer: requests.Response) -> Page:
        self._at = answer.url
        return Page(answer.status_code, answer.url.removeprefix(self._base_url), answer.headers, answer.content)


def counts(page: Page) -> dict[str, int]:
    """What the page behind the link of a stop counts, by its labels."""
    return {label: int(said) for label, said in page.main.one("dl").pairs}


def _form(part: Part, url: str) -> Form:
    """What a browser makes of a form."""
    action = part.attributes.get("action") or url
    form = Form(action.partition("?")[0].partition("#")[0], action, part.attributes.get("method", "get"))
    for one in part.all():
        name, kind, value = (one.attributes.get(key, "") for key in ("name", "type", "value"))
        if one.tag == "textarea" or (one.tag == "input" and (kind or "text") in TYPED):
            form.asks.append(name)
            form.data[name] = value
        elif one.tag == "select":
            options = one.all("option")
            form.chosen.append(name)
            chosen = [option for option in options if "selected" in option.attributes] or options
            form.data[name] = chosen[0].attributes["value"]
        elif kind in {"radio", "checkbox"}:
            form.chosen.append(name)
            form.data |= {name: one.attributes.get("value", "on")} if "checked" in one.attributes else {}
        elif one.tag == "input" and kind == "hidden":
            form.data[name] = value
    # The first button is the one that Enter presses.
    first = next(iter(part.all("button")), part).attributes
    form.data |= {first["name"]: first.get("value", "")} if first.get("name") else {}
    return form
