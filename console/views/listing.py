"""Show any list of the console: filters, search, sort, pages, and the words of its cells.

A list costs its own statement, one bounded count unless the page is the last, and what its `rows` read for the whole
page at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import holds_number
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from console.queries.staff import parse_day, with_reason, with_subject
from console.views.site import show
from partners.labels import party_name, sanitise_text
from partners.models import Party
from partners.policies.lifecycle import Stage
from support.actions.queue import export_list, record_search
from support.queries.chains import TONES
from support.queries.counts import Count, count_of
from support.queries.exports import csv_lines, list_rows
from support.queries.history import find_actions
from support.queries.names import NamedTarget
from support.queries.saved_views import list_views

SIZE = 50
LAST_PAGE = 200
# One more than all pages show, which tells that there are more.
MOST = SIZE * LAST_PAGE + 1
LONGEST_SEARCH = 100
# Before everything that we have.
FIRST_DAY = date(2000, 1, 1)
REVERSED = "The last day is before the first. Choose a later last day."
# A word that is longer may be broken anywhere, so that no column is wider than a page of 1280 px has room for.
LONGEST_WORD = 16

type Rows = QuerySet[Any]
type Narrow = Callable[[Rows, str, datetime], Rows]


@dataclass(frozen=True)
class Cell:
    """One field of a row. `tone` makes it a tag; `at` a moment; `under` is said small below; `whole` breaks nowhere.

    `whole_text`: what a file has in its place, where a page has room for a part of it, or the day alone.
    """

    text: object = ""
    href: str = ""
    under: object = ""
    tone: str = ""
    at: datetime | None = None
    number: bool = False
    whole: bool = False
    whole_text: str = ""

    @property
    def plain(self) -> object:
        """What a file has of it: the moment, or its text with what stands below."""
        text: object = self.whole_text or self.at or self.text
        if not self.under or self.whole_text:
            return text
        return f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ({self.under})" if self.at else f"{text} ({self.under})"

    @property
    def is_empty(self) -> bool:
        """Whether it says only that there is nothing: on a phone, where each field has a line, it is left out."""
        return self.text == "–" and not self.under

    @property
    def text_class(self) -> str:
        """How the text may be broken: as a tag and as a link it stays on one line where it is short."""
        short = "o-short" if len(str(self.text)) <= LONGEST_WORD else ""
        if self.tone:
            return short
        return _class_of(self.text, "o-whole" if self.whole else short if self.href else "")

    @property
    def under_class(self) -> str:
        """How what stands below may be broken."""
        return _class_of(self.under, "o-whole" if self.whole else "")


@dataclass(frozen=True)
class Column:
    """A heading. `sort`: the field it sorts by, "" for none."""

    label: str
    sort: str = ""
    number: bool = False


@dataclass(frozen=True)
class Filter:
    """One way to narrow a list: a choice of values, or words or a day that are typed in (`typed`: text or date)."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...]
    narrow: Narrow
    typed: str = ""


@dataclass(frozen=True)
class Listing:
    """A list. `start` gives its rows, newest or most urgent first; `cells` reads what a page of them needs."""

    title: str
    lead: str
    columns: tuple[Column, ...]
    start: Callable[[datetime], Rows]
    cells: Callable[[Sequence[Any], datetime], list[tuple[Cell, ...]]]
    search: tuple[str, ...] = ()
    search_label: str = "Search"
    # Fewer letters fit nearly every row of what grows without end, and are looked for in none.
    shortest: int = 1
    # For so many days words are looked for where no first day ("from") is given; for ever, where this is 0.
    searched_days: int = 0
    filters: tuple[Filter, ...] = ()
    empty: tuple[str, str] = ("Nothing here", "")
    acts: tuple[tuple[str, str], ...] = ()
    # Rows of other tables with the same columns, which are listed among those of `start`.
    others: Callable[[datetime], Sequence[Rows]] = lambda _: ()
    # What decides between rows that are sorted alike.
    last: str = "-pk"
    # The name of the address where what is narrowed may be taken away.
    export: str = ""
    # What staff must be allowed to export it.
    needed: StaffAction = StaffAction.SEE_TERMS

    def view(self, request: PersonRequest) -> HttpResponseBase:
        """Show the list as a page, where nobody and nothing but its address narrows it."""
        return show_list(request, self)


@dataclass(frozen=True)
class ListQuery:
    """What an address asks a list for: words, and a value for each of its filters, "" for none."""

    words: str
    chosen: tuple[tuple[Filter, str], ...]
    # Of each filter that can't be read what is wrong, and that it was left out.
    wrong: tuple[str, ...] = ()
    # The first day, where it is the list's own and not asked for.
    own_first_day: date | None = None

    @property
    def is_reversed(self) -> bool:
        """Whether the days asked for end before they begin."""
        days = {one.name: parse_day(typed=value) for one, value in self.chosen if one.typed == "date"}
        first, last = days.get("from"), days.get("to")
        return first is not None and last is not None and last < first

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.words or any(value for _, value in self.chosen))

    def get_criteria(self, *, words: str) -> dict[str, str]:
        """What was asked for, by the names that the page gives it. `words`: what it calls the first of them."""
        said = {words: self.words} | {one.label: dict(one.choices).get(value, value) for one, value in self.chosen}
        return {label: value for label, value in said.items() if value}


@dataclass(frozen=True)
class Heading:
    """A column as this page shows it: the question that sorts by it, and how it is sorted now."""

    label: str
    number: bool
    query: str = ""
    sorted: str = ""


@dataclass(frozen=True)
class ListPage:
    """One page of a list."""

    listing: Listing
    headings: tuple[Heading, ...]
    rows: list[tuple[Cell, ...]]
    total: Count
    page: int
    asked: str
    narrowed: bool
    filters: tuple[tuple[Filter, str], ...] = ()
    earlier: str = ""
    later: str = ""
    export: str = ""
    # The question that looks for the same words in the whole list, and the first day of this; none, where this is it.
    whole: str = ""
    first_day: date | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    wrong: tuple[str, ...] = ()


def show_list(
    request: PersonRequest, listing: Listing, *, template: str = "list.html", **context: object
) -> HttpResponseBase:
    """The page of this list that the address asks for. That somebody searched or narrowed it is written down.

    `template`: its page, where that says more than the list, and what that needs.
    """
    at = timezone.now()
    asked = read_list_query(request.GET.dict(), listing, at)
    if "csv" in request.GET and not listing.export and not asked.wrong:
        return _download(request, listing, at)
    if said := asked.get_criteria(words=listing.search_label):
        goes_on = "page" in request.GET or "sort" in request.GET
        record_search(where=listing.title, criteria=said, actor=actor_of(request.user), at=at, goes_on=goes_on)
    shown = page_of(request, listing, at=at)
    return show(request, template, title=listing.title, shown=shown, **_saved_views(request), **context)


def _saved_views(request: PersonRequest) -> dict[str, object]:
    """The views that the reader saved of this list; none of one that is about one thing."""
    match = request.resolver_match
    if match is None or match.kwargs:
        return {}
    name = match.url_name or ""
    here = f"{reverse('admin:saved-views', args=[name])}{_question(request, page='', csv='')}"
    return {"views": list_views(user=request.user, page=name), "views_href": here.removesuffix("?")}


@staff_download
def _download(request: PersonRequest, listing: Listing, at: datetime) -> HttpResponseBase:
    """The same rows in the same order as CSV, as many as the list has pages for; that it was taken is written down.

    Where that is not all of them, the last line says so.
    """
    asked = read_list_query(request.GET.dict(), listing, at)
    criteria = asked.get_criteria(words=listing.search_label)
    export_list(title=listing.title, criteria=criteria, needed=listing.needed, user=request.user, at=at)
    rows = _sorted_rows(request, listing, asked, at)

    def list_cells(part: Sequence[Any]) -> Iterator[tuple[object, ...]]:
        return (tuple(cell.plain for cell in row) for row in listing.cells(part, at))

    columns = [one.label for one in listing.columns]
    lines = csv_lines(columns=columns, rows=list_rows(rows=rows, cells=list_cells))
    return csv_file(lines=lines, name=f"whereabouts-{slugify(listing.title)}")


def page_of(request: HttpRequest, listing: Listing, *, at: datetime) -> ListPage:
    """Read one page. An unknown sort or page number is as good as none."""
    asked = read_list_query(request.GET.dict(), listing, at)
    rows, (column, down) = _sorted_rows(request, listing, asked, at), _sort(request, listing)
    page, found = _read_page(rows, _number(request.GET.get("page", "")))
    return ListPage(
        listing=listing,
        headings=tuple(_heading(request, one, column, down=down) for one in listing.columns),
        rows=listing.cells(found[:SIZE], at),
        total=_count(rows, page, found, lambda: filter_rows(listing, asked=asked, at=at)),
        page=page,
        asked=asked.words,
        narrowed=asked.narrows,
        filters=asked.chosen,
        earlier=_question(request, page=str(page - 1)) if page > 1 else "",
        later=_question(request, page=str(page + 1)) if len(found) > SIZE and page < LAST_PAGE else "",
        export=_export_address(request, listing, asked),
        problem=REVERSED if asked.is_reversed else "",
        wrong=asked.wrong,
        whole=_question(request, **{"from": f"{FIRST_DAY}", "page": ""}) if asked.own_first_day else "",
        first_day=asked.own_first_day,
        kept={"sort": request.GET["sort"]} if column else {},
    )


def _read_page(rows: Rows, page: int) -> tuple[int, list[Any]]:
    found = list(rows[(page - 1) * SIZE : page * SIZE + 1])
    if page > 1 and not found:
        # There are fewer rows by now, or the number was typed in.
        return 1, list(rows[: SIZE + 1])
    return page, found


def _count(rows: Rows, page: int, found: Sequence[Any], unsorted: Callable[[], Rows]) -> Count:
    """How many rows there are: where this page is the last, it says so, and nothing is looked through again."""
    if len(found) <= SIZE:
        return Count((page - 1) * SIZE + len(found))
    return count_of(rows=unsorted() if rows.query.combinator else rows)


def _sorted_rows(request: HttpRequest, listing: Listing, asked: ListQuery, at: datetime) -> Rows:
    column, down = _sort(request, listing)
    order = (f"-{column.sort}" if down else column.sort, listing.last) if column else ()
    return filter_rows(listing, asked=asked, at=at, order=order)


def _export_address(request: HttpRequest, listing: Listing, asked: ListQuery) -> str:
    if asked.is_reversed or asked.wrong:
        return ""
    if not listing.export:
        return _question(request, page="", csv="1")
    return f"{reverse(listing.export)}{_question(request, page='', sort='')}"


def read_list_query(said: Mapping[str, str], listing: Listing, at: datetime) -> ListQuery:
    """What an address asks this list for. `said`: its names and values."""
    words, short = _read_search(said, listing)
    own = _get_first_day(said, listing, at) if words else None
    said = {**said, "from": f"{own}"} if own else said
    chosen = tuple((one, _get_chosen_value(said, one)) for one in listing.filters)
    typed = {one: _words(said, one.name) for one, value in chosen if not value}
    wrong = [_describe_wrong(one, value) for one, value in typed.items() if value]
    return ListQuery(words, chosen, (*short, *wrong), own_first_day=own)


def _get_first_day(said: Mapping[str, str], listing: Listing, at: datetime) -> date | None:
    """Return from when on words are looked for; None where a first day was given, or they are looked for everywhere."""
    if not listing.searched_days or _words(said, "from"):
        return None
    last = parse_day(typed=_words(said, "to")) or at.astimezone(UTC).date()
    return last - timedelta(days=listing.searched_days) if last > FIRST_DAY else None


def _read_search(said: Mapping[str, str], listing: Listing) -> tuple[str, tuple[str, ...]]:
    """The words looked for, and what is wrong with them where they are too short."""
    asked = _words(said, "q") if listing.search else ""
    if not asked or len(asked) >= listing.shortest:
        return asked, ()
    typed = f"{listing.search_label}: “{sanitise_text(asked, at_most=40)}” is too short to search for."
    return "", (f"{typed} Type at least {listing.shortest} letters or digits. This search was left out.",)


def _describe_wrong(one: Filter, value: str) -> str:
    known = "a date. Type one like 2026-11-30" if one.typed else "one of the choices"
    return f"{one.label}: “{sanitise_text(value, at_most=40)}” isn't {known}. This filter was left out."


def filter_rows(listing: Listing, *, asked: ListQuery, at: datetime, order: Sequence[str] = ()) -> Rows:
    """The rows of a list that a search and its filters leave. `order`: another than the list's own."""
    first, *others = (_narrow(listing, rows, asked, at) for rows in (listing.start(at), *listing.others(at)))
    if not others:
        return first.order_by(*order) if order else first
    by = order or first.query.order_by
    # Each part is sorted, and ends where no page goes on: so an index may give its rows.
    parts = [one.order_by(*by)[:MOST] for one in (first, *others)]
    return parts[0].union(*parts[1:], all=True).order_by(*by)


def _narrow(listing: Listing, rows: Rows, asked: ListQuery, at: datetime) -> Rows:
    if asked.words:
        wanted = _find_words(listing, asked.words)
        rows = rows.filter(wanted) if wanted else rows.none()
    for one, value in asked.chosen:
        if value:
            rows = one.narrow(rows, value, at)
    return rows


def _find_words(listing: Listing, words: str) -> Q:
    wanted = Q()
    for name in listing.search:
        if name == "action":
            # Pages name an act in other words than the log keeps it.
            wanted |= find_actions(words=words)
        elif name == "target":
            wanted |= with_subject(words=words)
        # An old reason may hold somebody's number: nobody is found by whoever types it.
        elif name != "reason":
            wanted |= Q(**{f"{name}__icontains": words})
        elif not holds_number(words):
            wanted |= with_reason(words=words)
    return wanted


def build_day(when: datetime, at: datetime, *, is_over: bool = False) -> Cell:
    """A cell that says a day, and how far away it is unless that no longer matters; a file has its moment."""
    day, moment_in_file = f"{when:%-d %b %Y}", f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if is_over:
        return Cell(day, whole_text=moment_in_file)
    return Cell(format_distance(when, at), under=day, whole=True, whole_text=moment_in_file)


def of_choices(name: str, label: str, choices: Sequence[tuple[str, Any]], *, by: str = "") -> Filter:
    """A filter on a field with choices."""
    column = by or name
    return Filter(
        name, label, tuple((value, str(word)) for value, word in choices),
        lambda rows, value, _: rows.filter(**{column: value}),
    )  # fmt: skip


def _class_of(text: object, otherwise: str) -> str:
    return "o-long" if any(len(word) > LONGEST_WORD for word in str(text).split()) else otherwise


def build_typed_filter(name: str, label: str, narrow: Narrow, *, kind: str = "text") -> Filter:
    """A filter whose value is typed in: words, or a day (`kind`: date)."""
    return Filter(name, label, (), narrow, kind)


def _words(said: Mapping[str, str], name: str) -> str:
    return said.get(name, "").replace("\x00", "").strip()[:LONGEST_SEARCH]


def _get_chosen_value(said: Mapping[str, str], one: Filter) -> str:
    if one.typed:
        value = _words(said, one.name)
        return "" if one.typed == "date" and parse_day(typed=value) is None else value
    value = said.get(one.name, "")
    return value if value in {known for known, _ in one.choices} else ""


def _sort(request: HttpRequest, listing: Listing) -> tuple[Column | None, bool]:
    wanted = request.GET.get("sort", "")
    found = next((one for one in listing.columns if one.sort and one.sort == wanted.removeprefix("-")), None)
    return found, wanted.startswith("-")


def _heading(request: HttpRequest, column: Column, by: Column | None, *, down: bool) -> Heading:
    if not column.sort:
        return Heading(column.label, column.number)
    mine = column is by
    turn = column.sort if mine and down else f"-{column.sort}"
    words = ("descending" if down else "ascending") if mine else ""
    return Heading(column.label, column.number, _question(request, sort=turn, page=""), words)


def _question(request: HttpRequest, **changed: str) -> str:
    asked = request.GET.copy()
    for name, value in changed.items():
        asked.pop(name, None)
        if value:
            asked[name] = value
    return f"?{asked.urlencode()}"


def _number(text: str) -> int:
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def party(one: Party, *, under: str = "") -> Cell:
    """A party's name, which leads to its page."""
    return Cell(party_name(one.name, one.uri), href=reverse("admin:party", args=[one.pk]), under=under)


def purpose_page(term: str) -> str:
    """The address of a purpose's page; "" for a text that makes none: files may hold anything."""
    return reverse("admin:purpose", args=[term]) if term.strip("/") and term.isprintable() else ""


def stage(one: Stage, *, under: str = "") -> Cell:
    """A stage as a tag."""
    return Cell(one.value, tone=TONES[one], under=under)


def count(one: Count | int, *, href: str = "") -> Cell:
    """A number; nought is a dash, so that the others stand out."""
    return Cell(str(one) if one else "–", href=href if one else "", number=True)


def bad_count(one: Count) -> Cell:
    """A number that ought to be nought."""
    return Cell(str(one), tone="bad", number=True) if one else Cell("–", number=True)


def target(one: NamedTarget) -> Cell:
    """What an act is about: its name leads to its page."""
    return Cell(one.name, href=reverse(one.page, args=[one.id]) if one.page else "", under=one.kind_name)


def moment(at: datetime | None, *, under: str = "", none: str = "–") -> Cell:
    """A time."""
    return Cell(at=at, under=under) if at else Cell(none, under=under)


def yes_or_dash(said: object, *, word: str, tone: str = "plain") -> Cell:
    """A tag where something is so, a dash where it isn't."""
    return Cell(word, tone=tone) if said else Cell("–")


def format_distance(when: datetime, at: datetime) -> str:
    """How far off a day is: "in 12 days", "3 days ago"; whole days, of which a part counts for none."""
    days = int((when - at) / timedelta(days=1))
    if days == 0:
        return "within a day" if when > at else "less than a day ago"
    one = "day" if abs(days) == 1 else "days"
    return f"in {days:,} {one}" if days > 0 else f"{-days:,} {one} ago"


def format_waiting(since: datetime | None, at: datetime) -> str:
    """How long something has waited: "4 min", "7 h", "3 days"."""
    if since is None:
        return ""
    minutes = max(0, int((at - since).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440:,} days"
