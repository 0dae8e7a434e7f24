"""A page as it is read: lines of words, lists, tables and pairs, without markup and without what nobody sees."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, unified_diff
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urlencode

from django.conf import settings
from django.utils import translation

from tests.people import Browser, Page

SPACES = re.compile(r"\s+")
HEADING = re.compile("h[1-6]")
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
UNREAD = frozenset({"script", "style", "template", "svg", "head", "option"})
# What is said by a colour or a mark beside the words: a tag, a notice, a figure, a step of an order.
TAGS, STEPS = ("tag", "notice", "o-tag", "o-note"), frozenset({"done", "now", "todo", "bad"})
TONES = ("good", "warn", "bad")
# What an act was answered with, by the levels of `django.contrib.messages`, and how the style sheets draw it.
LEVELS = {"success": "good", "warning": "warn", "error": "bad"}
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "button", "caption", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html",
    "legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
})  # fmt: skip


@dataclass
class Part:
    """An element of a page and what is in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Part | str"] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Its words, one line for each paragraph, heading, entry or cell."""
        text = "".join(piece for piece in self._pieces() if isinstance(piece, str))
        return [words for line in text.split("\n") if (words := " ".join(line.split()))]

    @property
    def words(self) -> str:
        """The same in one line."""
        return " ".join(self.lines)

    @property
    def look(self) -> str:
        """How it looks, where that says something: "good", "warn", "bad" or "plain" of a tag, what a step is at."""
        classes = self.attributes.get("class", "").split()
        if self.tag == "li" and len(classes) == 1 and classes[0] in STEPS:
            return classes[0]
        if not any(one in TAGS for one in classes):
            return "bad" if "bad" in classes and self.tag in {"dd", "td"} else ""
        tones = {LEVELS.get(one, one) for one in classes}
        return next((tone for tone in TONES if tone in tones), "plain")

    @property
    def fold(self) -> str:
        """Whether what is behind a summary is seen at once: "open" or "folded"."""
        return "open" if "open" in self.attributes else "folded"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """A list of facts: each label with what stands under it."""
        return list(zip((one.words for one in self.all("dt")), (one.words for one in self.all("dd")), strict=True))

    @property
    def rows(self) -> list[list[str]]:
        """A table's rows, heads included."""
        return [[cell.words for cell in row.children if isinstance(cell, Part)] for row in self.all("tr")]

    @property
    def entries(self) -> list[str]:
        """A list's entries."""
        return [one.words for one in self.all("li")]

    def all(self, tag: str = "", *, of_class: str = "", **attributes: str) -> list["Part"]:
        """Every part within that has this tag, this class and these attributes (`data_told="3"`), in reading order."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}

        def fits(part: Part) -> bool:
            return (
                (not tag or part.tag == tag)
                and (not of_class or of_class in part.attributes.get("class", "").split())
                and all(part.attributes.get(name) == value for name, value in wanted.items())
            )

        return [part for part in self._within if fits(part)]

    def one(self, tag: str = "", *, of_class: str = "", **attributes: str) -> "Part":
        """The only such part."""
        found = self.all(tag, of_class=of_class, **attributes)
        assert len(found) == 1, f"{len(found)} parts: {tag} {of_class} {attributes}"
        return found[0]

    def under(self, heading: str) -> list[str]:
        """The lines between this heading and the next one of its rank or a higher one."""
        heads = [one for one in self.all() if HEADING.fullmatch(one.tag)]
        (head,) = (one for one in heads if one.words == heading)
        higher = {id(one) for one in heads if one is not head and one.tag <= head.tag}
        found, reading = Part("div"), False
        for piece in self._pieces():
            if isinstance(piece, Part):
                reading = piece is head or (reading and id(piece) not in higher)
            elif reading:
                found.children.append(piece)
        return found.lines[1:]

    def _pieces(self) -> Iterator["Part | str"]:
        """Each part as it begins and each piece of text in it, with a line break around what is a block."""
        if self.tag in UNREAD or "hidden" in self.attributes:
            return
        yield self
        # In the console what is small stands below.
        edge = "\n" if self.tag in BLOCKS else " " if self.tag == "small" else ""
        yield edge
        for child in self.children:
            if isinstance(child, Part):
                yield from child._pieces()
            else:
                yield child
        yield edge

    @cached_property
    def _within(self) -> list["Part"]:
        """Every part within, in reading order; listed once, because a page is asked for its parts again and again."""
        found: list[Part] = []
        still = [self]
        while still:
            part = still.pop()
            found.append(part)
            still += [child for child in reversed(part.children) if isinstance(child, Part)]
        return found[1:]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Part("document")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        part = Part(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(part)
        if tag not in VOID:
            self.open.append(part)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Part(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        # A page of ours closes what it opens, in order: one that does not is broken.
        if tag not in VOID:
            assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(SPACES.sub(" ", data))


def read(page: Page | str) -> Part:
    """A page, or a part of one, as a tree."""
    reader = _Reader()
    reader.feed(page if isinstance(page, str) else page.text)
    reader.close()
    assert [one.tag for one in reader.open] == ["document"]
    return reader.root


def without(part: Part, *left_out: Part) -> Part:
    """The same but for these parts within it."""
    kept = [one for one in part.children if not any(one is other for other in left_out)]
    children = [without(one, *left_out) if isinstance(one, Part) else one for one in kept]
    return Part(part.tag, part.attributes, children)


def changes(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What is not read any more ("- …") and what is read instead ("+ …"), in the order of the page."""
    found: list[str] = []
    for what, i, j, k, n in SequenceMatcher(a=list(before), b=list(after), autojunk=False).get_opcodes():
        if what != "equal":
            found += [f"- {one}" for one in before[i:j]] + [f"+ {one}" for one in after[k:n]]
    return found


def main(browser: Browser, path: str, language: str = "en") -> Part:
    """What a page says in its main part, in this language."""
    return read(opened(browser, path, language)).one("main")


def words_of(page: Page | str) -> str:
    """Everything a whole page says, in one line."""
    return read(page).words


def opened(browser: Browser, path: str, language: str = "en") -> Page:
    """A page that is there, in the language that the person chose at its foot."""
    browser.client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    # What the page's language was is no business of what the test does next.
    with translation.override(language):
        page = browser.get(path)
    assert page.status_code == 200, (path, page.status_code)
    return page


def assert_reads(part: Part, expected: Sequence[str], about: object = "") -> None:
    """All its lines are these, in this order; where they differ, the difference is shown line by line."""
    read_so = part.lines
    differ = "\n".join(unified_diff(list(expected), read_so, "expected", "read", lineterm=""))
    assert read_so == list(expected), f"{about}\n{differ}"


def press(browser: Browser, page: Part, words: str, **filled_in: str) -> Page:
    """Press the only button that reads so, its form filled in as it stands and with what is given. The answer."""
    forms = [(form, one) for form in page.all("form") for one in form.all("button") if one.words == words]
    assert len(forms) == 1, f"{len(forms)} buttons read {words!r}"
    ((form, button),) = forms
    fields = {one.attributes["name"]: one.attributes.get("value", "") for one in form.all("input") if _is_sent(one)}
    if name := button.attributes.get("name"):
        fields[name] = button.attributes.get("value", "")
    fields |= filled_in
    action = button.attributes.get("formaction") or form.attributes["action"]
    if form.attributes.get("method") != "post":
        return browser.get(f"{action.partition('#')[0]}?{urlencode(fields)}")
    return browser.post(action, fields)


def _is_sent(field: Part) -> bool:
    kind = field.attributes.get("type", "text")
    return "name" in field.attributes and (kind not in {"radio", "checkbox"} or "checked" in field.attributes)
