"""Counts of the dashboard, each of which leads to the list of exactly the rows that it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from console.views.listing import Listing, Rows, filter_rows, read_list_query
from support.queries.counts import Count, count_each


@dataclass(frozen=True)
class Card:
    """A count that leads to the list of exactly the rows that it counts."""

    label: str
    n: Count
    href: str
    tone: str = ""


@dataclass(frozen=True)
class ToCount:
    """A card before its rows are counted. `tone`: of a count that is not nought."""

    label: str
    rows: Rows
    href: str
    tone: str = ""


def of_list(label: str, name: str, listing: Listing, said: Mapping[str, str], at: datetime, tone: str = "") -> ToCount:
    """A card of what the list at this address shows when it is narrowed so."""
    rows = filter_rows(listing, asked=read_list_query(said, listing, at), at=at)
    return ToCount(label, rows, f"{reverse(f'admin:{name}')}?{urlencode(said)}", tone)


@dataclass(frozen=True)
class Cards:
    """A group of cards, whose page says those of nothing on one line."""

    every: Sequence[Card]

    @property
    def nonzero(self) -> Sequence[Card]:
        """Those that count anything."""
        return [one for one in self.every if one.n]

    @property
    def zero(self) -> Sequence[Card]:
        """Those that count nothing."""
        return [one for one in self.every if not one.n]


def count_cards(*groups: Sequence[Card | ToCount]) -> list[Cards]:
    """Count what is not counted yet, group by group. One statement."""
    counts = iter(count_each(rows=[one.rows for group in groups for one in group if isinstance(one, ToCount)]))
    return [
        Cards([_count_card(one, next(counts)) if isinstance(one, ToCount) else one for one in group])
        for group in groups
    ]


def _count_card(one: ToCount, n: Count) -> Card:
    return Card(one.label, n, one.href, one.tone if n else "")
