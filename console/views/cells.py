"""Words for the cells of lists: stages, days, names that lead to their page."""

from datetime import datetime

from django.urls import reverse

from console.views.listing import Cell
from partners.labels import party_name
from partners.models import Party
from partners.policies.lifecycle import Stage
from support.queries.chains import TONES
from support.queries.counts import Count
from support.queries.names import NamedTarget

PAGES = {
    "party": "party", "contract": "contract", "campaign": "campaign", "machine": "machine",
    "authorized": "authorized-agent", "import": "import",
}  # fmt: skip
DAY = 86_400


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
    href = reverse(f"admin:{PAGES[one.kind]}", args=[one.id]) if one.known and one.kind in PAGES else ""
    return Cell(one.name, href=href, under=one.kind_name)


def moment(at: datetime | None, *, under: str = "", none: str = "–") -> Cell:
    """A time."""
    return Cell(at=at, under=under) if at else Cell(none, under=under)


def yes_or_dash(said: object, *, word: str, tone: str = "plain") -> Cell:
    """A tag where something is so, a dash where it isn't."""
    return Cell(word, tone=tone) if said else Cell("–")


def format_distance(when: datetime, at: datetime) -> str:
    """How far off a day is: "in 12 days", "3 days ago"; whole days, of which a part counts for none."""
    days = int((when - at).total_seconds() / DAY)
    if days == 0:
        return "within a day" if when >= at else "less than a day ago"
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
