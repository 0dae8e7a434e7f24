"""Test lines of our own at real partners: which are watched, and two acts."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.views.access import PersonRequest
from console.actions.test_lines import end_test_line, mark_test_line
from console.forms.incidents import SeedForm
from console.views import listing
from console.views.acts import Act, answer
from console.views.listing import Cell, Column, Filter, Listing
from revocations.models import Order
from support.forms.acting import ActForm
from support.models import CarrierTestLine
from support.queries import names


def mark(request: PersonRequest) -> HttpResponse:
    """Watch a line of a test account."""
    act = Act(
        title="Add a test line",
        lead="A line of the carrier's own test account, used at real partners like any other. We compare what partners"
        " sign about it with what they still request, show and claim.",
        form=SeedForm(request.POST or None),
        verb=lambda form, by: mark_test_line(carrier_id=form.cleaned_data["line"], **by),
        back=reverse("admin:test-lines"),
        done="Test line added.",
        button="Add test line",
    )
    return answer(request, act)


def end(request: PersonRequest, seed_id: int) -> HttpResponse:
    """Watch it no more."""
    get_object_or_404(CarrierTestLine, pk=seed_id)
    act = Act(
        title="Stop using test line",
        lead=f"Test line {seed_id}. Its findings are kept.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: end_test_line(seed_id=seed_id, **by),
        back=reverse("admin:test-lines"),
        done="The test line is no longer used.",
        button="Stop using",
    )
    return answer(request, act)


def _cells(rows: Sequence[CarrierTestLine], at: datetime) -> list[tuple[Cell, ...]]:
    who = names.actors(wanted={one.marked_by for one in rows})
    told = Order.objects.filter(line_id__in={one.line_id for one in rows}).values("line_id").order_by()
    counted: dict[int, tuple[int, int]] = {
        one["line_id"]: (one["partners"], one["signed"])
        for one in told.annotate(
            partners=Count("party_id", distinct=True),
            signed=Count("party_id", distinct=True, filter=Q(completed_at__isnull=False)),
        )
    }
    return [
        (
            Cell(f"Test line {one.pk}"),
            Cell(one.about),
            Cell(str(counted.get(one.line_id, (0, 0))[0]), number=True),
            Cell(str(counted.get(one.line_id, (0, 0))[1]), number=True),
            listing.moment(one.marked_at, under=who[one.marked_by]),
            listing.moment(one.ended_at)
            if one.ended_at
            else Cell("Stop using", href=reverse("admin:test-line-end", args=[one.pk]), under="active"),
        )
        for one in rows
    ]


SEEDS = Listing(
    title="Test lines",
    lead="Our own lines at real partners. If a partner shows any data of one after signing that it deleted it, an"
    " incident opens, marked as found by a test line.",
    columns=(
        Column("Line"), Column("Reason"), Column("Partners notified", number=True), Column("Signed", number=True),
        Column("Since", "marked_at"), Column("Until", "ended_at"),
    ),
    start=lambda _: CarrierTestLine.objects.order_by("-marked_at", "-id"),
    cells=_cells,
    filters=(
        Filter(
            "state", "Status", (("watched", "Active"), ("ended", "Ended")),
            lambda rows, value, _: rows.filter(ended_at__isnull=value == "watched"),
        ),
    ),
    empty=("No test lines", "Add a test line to check that partners do what they sign."),
    acts=(("admin:test-line-mark", "Add a test line"),),
)  # fmt: skip
