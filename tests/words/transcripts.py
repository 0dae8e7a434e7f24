"""Pages as they are read, word for word, beside what was read of them when somebody last looked through it.

`tests/words/transcripts/*.txt` holds every page that a person or staff can open, in English. A word that is changed,
dropped or shown in another state is a difference there. After a change that is meant, write them anew and read the
difference before it is committed:

    TRANSCRIBE=1 ./whereabouts test tests/words/test_every_page.py
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import unified_diff
from functools import cache
from pathlib import Path
from textwrap import wrap

import pytest

from tests.words.named import named
from tests.words.pages import BLOCKS, UNREAD, Part, read, without

FOLDER = Path(__file__).parent / "transcripts"
WRITE = os.environ.get("TRANSCRIBE") == "1"
WIDTH = 118
BESIDE = " | "
# What the words of a picture and the entries of a choice are in, which are written down besides.
DRAWN = frozenset({"svg", "option"})
ALONE = BLOCKS | {"label", "legend", "option", "text"}
# What differs from run to run, and what is read in its place.
BY_LOT = (
    (r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "‹id›"),
    (r"\b(?:[0-9A-Z]{4}-){2,}[0-9A-Z]{4}\b", "‹number of the receipt›"),
    (r"\bT-[0-9A-Z]+\b", "‹case›"),
    (r"\bWB-[0-9A-Z]{4}-[0-9A-Z]{2}\b", "‹receipt›"),
    (r"\b\d+(?= Compañía)|(?<=between )\d+|(?<=service )\d+|(?<=party )\d+|(?<=service)\d+(?=\.example)", "‹n›"),
    (r"(?:\+1 ?)?\(\d{3}\) ?\d{3}[-‑]\d{4}|\+1\d{10}", "‹phone number›"),
    (r"^\d{8}$", "‹code›"),
    (r"(?<=AGR-)\d{4}\b|(?<=CMP-)\d{4}\b|(?<=officer)\d+(?=@)|(?<=agent)\d+(?=@)|\b[0-9a-f]{6,11}(?=…)", "‹n›"),
    (r"(?<=line:)\d+|(?<=Test line )\d+|(?<=[Ii]ncident[ =])\d+|(?<=subscriber:)\d+|(?<=\Wid\W: )\d+", "‹n›"),
    (r"(?<=[•*…])\d{2,4}\b|(?<=ending in )\d{2,4}\b", "‹end of number›"),
    (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "‹signed text›"),
    (r"[A-Za-z0-9_-]{16}…|[A-Za-z0-9+/]{43}=|\b[0-9a-f]{12,}\b|(?<![\w-])[A-Za-z0-9_-]{32,}(?![\w-])", "‹key›"),
    (r"(?<=/)[A-Za-z0-9_-]{22}(?=/)", "‹key›"),
    (r"^[0-9A-Z]{8}$|(?<=^\[)[0-9A-Z]{8}(?= →)|(?<=^Difference )[0-9A-Z]{8}\b", "‹order›"),
    (r"(?<=^\(plain\) )[0-9A-Z]{8}$", "‹difference›"),
    (r"\bS-[0-9A-F]{8}\b", "‹separation›"),
    (r"\b\d+\.\d KB\b", "‹size›"),
    (r"\bk1\.[\w-]{24}", "‹the line's name›"),
    (r"(?<=127\.0\.0\.1:)\d+", "‹port›"),
    # What a new database begins with is as old as that.
    (
        r"((?<=, version [23] of )|(?<=replaces version [23] of ))\d\d? [A-Z][a-z]{2} 20[234]\d",
        "‹when it was installed›",
    ),
    (r"(?<=Changed )[A-Z][a-z]{2} \d\d?, 20[234]\d, \d\d?:\d\d\s[AP]M", "‹when it was installed›"),
    (r"\d\d? [A-Z][a-z]{2} 20[234]\d, \d\d:\d\d(?= The system \(install\))", "‹when it was installed›"),
)
COMPILED = [(re.compile(pattern), instead) for pattern, instead in BY_LOT]
# Numbers of rows in a link, and fields that tell nothing of what is asked.
NUMBERED = (
    r"(?<=[/:~])[0-9]+(?=[/&]|$)|(?<=company=)[0-9]+|(?<=contract=)[0-9]+|(?<=session=)[0-9]+|(?<=after=)[0-9]+$"
    r"|(?<=before=)[0-9]+$"
)
UNTYPED = {None, "csrfmiddlewaretoken"}


def transcript(html: str, *, around: bool = False, but: tuple[str, ...] = (), links: bool = True) -> list[str]:
    """A page's title and main part, line by line as it is read; all of one that has no main part.

    With what is said above it of a browser's signal, the names that a screen reader gives its parts, and what a search
    shows of it. `around`: with what is the same on every page, too. `but`: the classes or tags of parts that are left
    out. `links`: with what its forms are filled in with, and where they and its links lead.
    """
    whole = read(html)
    page = without(whole, *(part for one in but for part in (*whole.all(of_class=one), *whole.all(one))))
    main = page.all("main")
    parts = [*page.all("title")[:1], *page.all("aside", of_class="gpc"), *main]
    if around or not main:
        parts = [*page.all("title")[:1], *(page.all("body") or [page])]
    lines = [line for part in parts for line in packed(part)]
    lines += [masked(f"[{name}]") for part in parts for name in _names(part)]
    lines += [f"[nothing is called {one}]" for one in _lost(whole)]
    lines += [f"[In a search: {one.attributes['content']}]" for one in page.all("meta", name="description")]
    if links:
        lines += dict.fromkeys(masked(line) for part in parts for line in [*_filled_in(part), *_links(part)])
    return [part for line in lines for part in wrapped(line)]


def wrapped(line: str) -> list[str]:
    """A long line as several."""
    return wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)


@cache
def masked(line: str) -> str:
    """The line without what differs from run to run."""
    for pattern, instead in COMPILED:
        line = pattern.sub(instead, line)
    return line


def packed(part: Part, *, width: int = WIDTH, mask: Callable[[str], str] = masked) -> list[str]:
    """Return the lines of a part with all that is drawn or may be chosen: those of a smaller part in one, if they fit.

    They tell how a tag, notice or step looks, "(bad) Late", and whether a fold is open. The cells of a row stand in one
    line, however long, unless `width` is 0: then every part has its own.
    """
    return _Packing(width, mask).lines_of(part)


class _Packing:
    """See `packed`."""

    def __init__(self, width: int, mask: Callable[[str], str]) -> None:
        self._width, self._mask = width, mask
        self._open: list[list[str]] = [[]]
        self._text = ""

    def lines_of(self, part: Part) -> list[str]:
        self._read(part)
        self._end_line()
        return self._open[0]

    def _read(self, part: Part, look: str = "") -> None:
        if (part.tag in UNREAD and part.tag not in DRAWN) or "hidden" in part.attributes:
            return
        look = look or part.look
        alone = part.tag in ALONE or look or "role" in part.attributes.get("class", "").split()
        edge = " " if part.tag == "small" and not alone else ""
        if alone:
            self._end_line()
            self._open.append([])
        self._text += edge + (f"({look}) " if look else "")
        for child in part.children:
            if isinstance(child, str):
                self._text += child
            else:
                self._read(child, part.fold if child.tag == "summary" else "")
        self._text += edge
        if alone:
            self._end_line()
            self._close(part.tag)

    def _end_line(self) -> None:
        if words := " ".join(self._text.split()):
            self._open[-1].append(self._mask(words))
        self._text = ""

    def _close(self, tag: str) -> None:
        lines = self._open.pop()
        around = self._open[-1]
        # What stands under a label begins in its line.
        if tag == "dd" and lines and around and len(around[-1]) + len(BESIDE) + len(lines[0]) <= self._width:
            lines[0] = around.pop() + BESIDE + lines[0]
        elif lines and (len(whole := BESIDE.join(lines)) <= self._width or (tag == "tr" and self._width)):
            lines = [whole]
        around += lines


def _names(part: Part) -> list[str]:
    """What a screen reader calls these parts and pictures, and what stands in a field that nothing was typed into."""
    named_by = ("aria-label", "placeholder", "alt")
    given = (one.attributes.get(name, "") for one in [part, *part.all()] for name in named_by)
    return [name for name in dict.fromkeys(given) if name]


def _lost(page: Part) -> list[str]:
    """The names by which a part that is seen refers or leads to another that is not on the page."""
    there = {one.attributes.get("id") for one in page.all()}
    seen = [one.attributes for one in page.all() if one.attributes.get("type") != "hidden"]
    refers = (of.get(name, "") for of in seen for name in ("for", "aria-describedby", "aria-labelledby"))
    leads = (href[1:] for one in seen if (href := one.get("href", "")).startswith("#"))
    return [name for names in dict.fromkeys([*refers, *leads]) for name in names.split() if name not in there]


def _filled_in(part: Part) -> list[str]:
    """What is ticked, chosen and typed in the fields of a page."""
    ticked = [one.attributes for one in part.all("input") if _is_filled_in(one.attributes)]
    chosen = [
        {"name": field.attributes.get("name", ""), "value": one.attributes.get("value", "")}
        for field in part.all("select")
        for one in field.all("option", selected="")
    ]
    return [f"[{one.get('name')}={one.get('value', '')}]" for one in [*ticked, *chosen]]


def _is_filled_in(field: Mapping[str, str]) -> bool:
    kind = field.get("type", "text")
    return "checked" in field if kind in {"radio", "checkbox"} else kind != "hidden" and bool(field.get("value"))


def _links(part: Part) -> list[str]:
    """Where each link leads, and each form is sent with what is filled in, in the order of the page."""
    found = []
    for one in [*part.all("a"), *part.all("form")]:
        led = one.attributes.get("href", one.attributes.get("action", ""))
        hidden = [field.attributes for field in one.all("input", type_="hidden")]
        sent = "&".join(f"{of.get('name')}={of.get('value', '')}" for of in hidden if of.get("name") not in UNTYPED)
        words = " ".join((one if one.tag == "a" else Part("p", {}, _buttons(one))).words.split())
        words += " (this page)" if one.attributes.get("aria-current") == "page" else ""
        led, sent = (re.sub(NUMBERED, "‹n›", named(each)) for each in (led, sent))
        found.append(f"[{words} → {led}{' with ' if sent else ''}{sent}]{_proof(one)}")
    return found


def _proof(form: Part) -> str:
    """A form that changes something is sent with the token of its own page, and one with files with them."""
    tokens = [one.attributes.get("value", "") for one in form.all("input", name="csrfmiddlewaretoken")]
    is_as_due = [len(one) for one in tokens] == [64] if form.attributes.get("method") == "post" else not tokens
    is_whole = not form.all("input", type_="file") or form.attributes.get("enctype") == "multipart/form-data"
    return ("" if is_as_due else " (another token)") + ("" if is_whole else " (without its files)")


def _buttons(form: Part) -> list[Part | str]:
    """A form's buttons; where there are several, each with what it sends or where it sends it to."""
    buttons = form.all("button")
    told: list[Part | str] = []
    for one in buttons:
        of = one.attributes
        sent = [f"→ {of['formaction']}"] if "formaction" in of else []
        sent += [f"{of['name']}={of.get('value', '')}"] if "name" in of else []
        told += [one, f" ({', '.join(sent)})" if sent and len(buttons) > 1 else ""]
    return told


def assert_as_before(name: str, pages: Iterable[tuple[str, list[str]]]) -> None:
    """Each of these pages, by its title, says what its transcript says, and there are no others."""
    told = list(pages)
    found = dict(told)
    assert len(found) == len(told), "two pages have one title"
    if differences := compare(name, found):
        pytest.fail("\n".join(differences), pytrace=False)


def compare(name: str, pages: Mapping[str, list[str]]) -> list[str]:
    """How these pages differ from their transcript, as lines of a difference; nothing where they are the same."""
    file = FOLDER / f"{name}.txt"
    told = [line for title, lines in pages.items() for line in (f"== {title}", *lines, "")]
    if WRITE:
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(told))
    return list(unified_diff(file.read_text().split("\n"), told, "expected", "read", lineterm="", n=2))
