"""The transparency report where there is much to count: every table, chart and comparison, word for word."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from disclosures.models import PastFigure, PublishedFigure
from disclosures.queries.figures.statements import STATEMENTS, Figure
from tests.people import Browser
from tests.words.transcripts import transcript

type Read = Iterator[tuple[str, list[str]]]
type Cells = tuple[str | int | None, ...]

# By figure its rows, as they were counted: of the month before, then of the month itself.
COUNTED: dict[Figure, tuple[Sequence[Cells], Sequence[Cells]]] = {
    Figure.COMPANIES: (
        (),
        (
            ("Larch Link", "aggregator", "in force", 1021, 1013),
            ("Maple Aid", "lbs_provider", "unanswered", 0, 2),
            ("Nettle Aid", "lbs_provider", "ended", 0, 0),
        ),
    ),
    Figure.CHOICES: (
        (
            ("stop", 7200, 0, 1, 1),
            ("dispute", 90, 0, 1, 1),
            ("refuse", 60, 0, 1, 1),
            ("pause", 50, 0, 1, 1),
            ("allow", 4, 0, None, None),
            ("ours", 0, 0, None, None),
        ),
        (
            ("stop", 8400, 1200, 2, 300),
            ("dispute", 70, 20, 60, 60),
            ("refuse", 60, 0, 7200, 90000),
            ("pause", 5, 0, 3, 4),
            ("allow", 40, 0, 5, 6),
            ("ours", 0, 0, None, None),
        ),
    ),
    Figure.FOLLOWED: (
        (("Larch Link", 5000, 2000, 2000, 1000, 0, 1, 1, 1, 1, 1, 1),),
        (
            ("Larch Link", 6100, 4050, 5030, 3020, 1040, 1, 2, 60, 300, 7200, 172800),
            ("Maple Link", 40, 3, 35, 4, 0, None, None, 90, 90, None, None),
        ),
    ),
    Figure.RELEASES: (
        (("dpv:ServiceProvision", "approval", 9100, 1100, 0), ("dpv:LegalCompliance", "network", 40, 0, 0)),
        (
            ("dpv:ServiceProvision", "approval", 9100, 1300, 2020),
            ("", "approval", 5, 0, 30),
            ("dpv:LegalCompliance", "network", 30, 0, 0),
        ),
    ),
    Figure.PHONES: ((("Larch Link", 3100), ("Maple Link", 20)), (("Larch Link", 3000), ("Maple Link", 20))),
    Figure.DISPUTES: ((("Larch Link", 70, 0, 0, 0),), (("Larch Link", 1090, 1020, 30, 40), ("Maple Link", 5, 0, 0, 5))),
}


def pages() -> Read:
    """The newest month beside the one before; that one at its own address, and each of its files; every minute."""
    before, since, until = (datetime(2051, month, 1, tzinfo=UTC) for month in (4, 5, 6))
    made_at = datetime(2051, 6, 3, 7, 30, tzinfo=UTC)
    for name, (then, now) in COUNTED.items():
        of_both = {"name": name, "query": "SELECT 1"}
        if then:
            PastFigure.objects.create(
                since=before, until=since, made_at=since + timedelta(days=3), rows=_rows(name, then), **of_both
            )
        PublishedFigure.objects.create(since=since, until=until, made_at=made_at, rows=_rows(name, now), **of_both)
    rows = _rows(Figure.CHOICES, COUNTED[Figure.CHOICES][0])
    earlier = datetime(2051, 3, 1, tzinfo=UTC)
    PastFigure.objects.create(
        name=Figure.CHOICES, since=earlier, until=before, made_at=since, rows=rows, query="SELECT 2"
    )
    yield "figures of much", transcript(Browser().get("/transparency/").text)
    for drawn in ("followed", "releases", "phones", "disputes"):
        yield f"the picture of {drawn}", transcript(Browser().get(f"/transparency/{drawn}.svg").text)
    yield "figures of a month", transcript(Browser().get("/transparency/2051-04/").text)
    PublishedFigure.objects.update(since=since - timedelta(hours=2), until=until - timedelta(hours=2))
    yield "figures to the minute", transcript(Browser().get("/transparency/").text, but=("counted", "figures"))


def _rows(name: Figure, rows: Sequence[Cells]) -> list[dict[str, str | int | None]]:
    return [dict(zip(STATEMENTS[name].columns, row, strict=True)) for row in rows]
