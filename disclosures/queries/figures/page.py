"""The figures as the public page shows them: with words for what they are about, and a bar for each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils.translation import gettext

from disclosures.labels import CHOICE_KINDS, COMPANY_ROLES, COMPANY_STATES, basis_in_words
from disclosures.queries.figures.bars import Bar, Tint, bars_of
from disclosures.queries.figures.cells import Cell, Count, Row
from disclosures.queries.figures.published import PublicFigure, get_public_figures
from disclosures.queries.figures.statements import Figure
from partners.labels import party_name, purpose_in_words

type Words = Mapping[str, Cell]


@dataclass(frozen=True)
class DisplayedFigure:
    """One figure: its rows with their words, its sums, its bars and how it was counted."""

    name: str
    made_at: datetime
    rows: Sequence[Words]
    total: Mapping[str, Count] | None
    bars: Sequence[Bar]
    query: str


@dataclass(frozen=True)
class FiguresPage:
    """All figures. `made_at`: when what counts people was counted; the companies have a moment of their own."""

    made_at: datetime
    since: datetime
    until: datetime
    companies: DisplayedFigure
    choices: DisplayedFigure
    followed: DisplayedFigure
    releases: DisplayedFigure
    disputes: DisplayedFigure

    @property
    def last_moment(self) -> datetime:
        """The last moment that is in it."""
        return self.until - timedelta(microseconds=1)

    @property
    def whole_days(self) -> bool:
        """Whether it is about whole days of UTC alone."""
        return self.until.astimezone(UTC).time() == time.min


def figures_page() -> FiguresPage | None:
    """Return the page's figures; None while they were never made. One query."""
    found = get_public_figures()
    if set(found) != set(Figure):
        return None
    newest = found[Figure.RELEASES]
    return FiguresPage(
        newest.made_at,
        newest.since,
        newest.until,
        **{name.value: _build_displayed_figure(figure) for name, figure in found.items()},
    )


def _build_displayed_figure(figure: PublicFigure) -> DisplayedFigure:
    rows = [{**row, **_words(figure.name, row)} for row in figure.rows]
    return DisplayedFigure(figure.name, figure.made_at, rows, figure.total, _bars(figure.name, rows), figure.query)


def _words(name: Figure, row: Row) -> Words:
    match name:
        case Figure.CHOICES:
            return {"label": str(CHOICE_KINDS[str(row["kind"])])}
        case Figure.RELEASES:
            purpose = str(row["purpose"])
            basis = {"basis_in_words": basis_in_words(str(row["basis"]))}
            return {"label": purpose_in_words(purpose) if purpose else gettext("Other or none named"), **basis}
        case Figure.COMPANIES:
            words, tone = COMPANY_STATES[str(row["state"])]
            role = {"role_in_words": str(COMPANY_ROLES[str(row["role"])])}
            return {"label": party_name(str(row["company"]), ""), "state_in_words": str(words), "tone": tone, **role}
        case _:
            return {"label": party_name(str(row["company"]), "")}


def _bars(name: Figure, rows: Sequence[Row]) -> Sequence[Bar]:
    match name:
        case Figure.RELEASES:
            released = [row for row in rows if row["basis"] == "approval"]
            return bars_of(
                rows=released, label="label", whole="released", parts=[("not_allowed", "sbad")], rest="s0", untold="s4"
            )
        case Figure.FOLLOWED:
            parts: list[tuple[str, Tint]] = [("completed", "s0"), ("acknowledged", "s1")]
            return bars_of(rows=rows, label="label", whole="received", parts=parts, rest="s4", untold="s4")
        case _:
            return ()
