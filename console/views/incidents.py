"""Pages of one incident: what happened, the rows behind it after a reason, and each act on it until it is closed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, limit_downloads
from audit.models import Incident
from audit.policies import ALL, DUTIES
from console.actions.incidents import (
    assign_incident,
    close_incident,
    do_duty,
    do_hidden_duty,
    export_incident,
    note_incident,
    report_incident,
)
from console.actions.staff_access_log import export_incident_rows, view_incident_rows
from console.forms.incidents import DutyForm, ExportForm, NoteForm, ReportForm
from console.forms.rules import AssignForm
from console.queries.evidence_packs import as_json
from console.views import listing
from console.views.acts import Act, answer, build_arguments, look
from console.views.listing import Cell, Column, Filter, Listing, page_of
from console.views.site import show
from disclosures.models import Anomaly
from disclosures.queries.rules import window_of
from support.forms.acting import ActForm, LookForm
from support.queries.anomalies import CONSEQUENCES, anomalies_under, code_of
from support.queries.incidents import incident_page, is_about, officers
from support.queries.subjects import list_documents_about
from support.queries.visible import hidden_incidents, visible_incidents


def incident(request: PersonRequest, incident_id: int) -> HttpResponse:
    """What happened, how often, to whom, by when it may have to be told, and what was done about it."""
    at = timezone.now()
    page = incident_page(incident_id=incident_id, at=at)
    if page is None:
        raise Http404
    documents = list_documents_about(f"incident:{incident_id}", at=at)
    own = is_about(incident=page.incident, member=actor_of(request.user))
    title, words = page.incident.get_kind_display(), {"page": page, "at": at, "documents": documents, "own": own}
    if not page.is_found:
        return show(request, "incident.html", title=title, **words)
    return show(request, "anomalies.html", title=title, shown=page_of(request, _listing(page.incident), at=at), **words)


def close(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say that it is over."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    act = Act(
        title="Close incident",
        lead=f"{one.get_kind_display()}. It reopens if it happens again. Its case at the desk doesn't change.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: close_incident(incident_id=incident_id, **by),
        back=reverse("admin:incident", args=[incident_id]),
        done="Closed.",
        button="Close incident",
    )
    return answer(request, act)


def acknowledge(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say that one has seen it and sees to it."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    act = Act(
        title="Acknowledge incident",
        lead=f"{one.get_kind_display()}. It will be assigned to you.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: assign_incident(incident_id=incident_id, to=by["actor"], **by),
        back=reverse("admin:incident", args=[incident_id]),
        done="Acknowledged and assigned to you.",
        button="Acknowledge",
    )
    return answer(request, act)


def assign(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say whose it is."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    others = [(actor, email) for actor, email in officers() if not is_about(incident=one, member=actor)]
    act = Act(
        title="Assign incident",
        lead=f"{one.get_kind_display()}. This also acknowledges it.",
        form=AssignForm(request.POST or None, officers=others),
        verb=lambda form, by: assign_incident(incident_id=incident_id, to=form.cleaned_data["to"], **by),
        back=reverse("admin:incident", args=[incident_id]),
        done="Assigned.",
        button="Assign",
    )
    return answer(request, act)


def rows(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say why, and see the look-ups behind it, a page at a time."""
    get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    form = LookForm(request.POST or None)
    after = request.POST.get("after", "")
    if found := look(request, form, partial(view_incident_rows, incident_id=incident_id, after=after)):
        words = {"page": found[0], "said": form.build_arguments()}
        return show(request, "anomaly_rows.html", title="Look-ups behind an incident", **words)
    return _look(request, form, incident_id, "Show the look-ups")


@limit_downloads
def download(request: PersonRequest, incident_id: int) -> HttpResponseBase:
    """Say why, and take the look-ups behind it as CSV."""
    get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    form = LookForm(request.POST or None)
    if found := look(request, form, partial(export_incident_rows, incident_id=incident_id)):
        return _file(found[0] or iter(()), incident_id)
    return _look(request, form, incident_id, "Export as CSV")


def _look(request: PersonRequest, form: LookForm, incident_id: int, button: str) -> HttpResponse:
    words = {"form": form, "incident_id": incident_id, "button": button}
    return show(request, "anomaly_look.html", title="Look-ups behind an incident", **words)


def _file(parts: Iterator[str], incident_id: int) -> StreamingHttpResponse:
    return csv_file(lines=parts, name=f"whereabouts-incident-{incident_id}")


def _listing(one: Incident) -> Listing:
    return Listing(
        title="Affected lines",
        lead="Each line has a code used only in this incident. To see its look-ups, give a reason.",
        columns=(
            Column("Line"), Column("Occurrences", "n", number=True), Column("First", "first_at"),
            Column("Last", "last_at"), Column("Rule"), Column("Action"),
        ),
        start=lambda _: anomalies_under(incident=one).select_related("rule"),
        cells=partial(_cells, one),
        filters=(
            Filter(
                "state", "Status", (("so", "Still true"), ("over", "No longer true")),
                lambda rows, value, _: rows.filter(cleared_at__isnull=value == "so"),
            ),
        ),
        empty=("No affected lines", "Our records no longer support these findings."),
    )  # fmt: skip


def _cells(one: Incident, rows: Sequence[Anomaly], _: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell("many lines" if row.line_id is None else code_of(incident_id=one.pk, line_id=row.line_id)),
            Cell(f"{row.n:,}", number=True, under=_of(row)),
            listing.moment(row.first_at),
            listing.moment(row.last_at),
            Cell(f"version {row.rule.version}", under=f"{row.rule.threshold:,} in {window_of(rule=row.rule)}"),
            _follows(row),
        )
        for row in rows
    ]


def _of(row: Anomaly) -> str:
    if row.out_of is not None:
        return f"of {row.out_of:,} claims"
    return "" if row.looks == row.n else f"{row.looks:,} look-ups"


def _follows(row: Anomaly) -> Cell:
    if row.cleared_at is not None:
        return Cell("no longer true", under=f"since {row.cleared_at:%-d %b %Y, %H:%M}")
    acts = row.kind in {"after_stop", "no_approval"}
    return Cell(CONSEQUENCES.get(row.consequence, row.consequence) if acts else "needs review")


REPORT = ("kind", "company", "happened", "affected", "known_at", "reason")


def report(request: PersonRequest) -> HttpResponse:
    """Open one by hand: what no program saw."""
    act = Act(
        title="Report an incident",
        lead="Report what our systems can't detect: a stolen laptop, a letter from a partner, a full outage. Deadlines"
        " count from when it became known.",
        form=ReportForm(request.POST or None, at=timezone.now()),
        verb=lambda form, by: report_incident(
            **{name: form.cleaned_data[name] for name in REPORT}, actor=by["actor"], at=by["at"]
        ),
        back=lambda incident_id: reverse("admin:incident", args=[incident_id]),
        cancel=reverse("admin:incidents"),
        done="Reported. Its deadlines are running.",
        button="Report incident",
    )
    return answer(request, act)


def note(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Write a note into the timeline."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    act = Act(
        title="Add a note",
        lead=f"{one.get_kind_display()}. The note is part of the timeline and of exports.",
        form=NoteForm(request.POST or None),
        verb=lambda _, by: note_incident(incident_id=incident_id, **by),
        back=reverse("admin:incident", args=[incident_id]),
        done="Note added.",
        button="Add note",
    )
    return answer(request, act)


def record_report(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Write down who was told, when, and under which reference."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    return _record_notification(request, one, do_duty, reverse("admin:incident", args=[incident_id]))


def record_hidden_report(request: PersonRequest, incident_id: int) -> HttpResponse:
    """The same of an incident that an order hides, for legal process alone."""
    one = get_object_or_404(hidden_incidents(at=timezone.now()), pk=incident_id)
    return _record_notification(request, one, do_hidden_duty, reverse("admin:delayed"))


def _record_notification(request: PersonRequest, one: Incident, verb: Callable[..., None], back: str) -> HttpResponse:
    duties = [(duty.name, duty.what) for duty in DUTIES.get(one.kind, ())]
    chosen = request.GET.get("duty", "")
    act = Act(
        title="Record a notification",
        lead=f"{one.get_kind_display()}. If you record the same notification twice, the newer entry applies. Both stay"
        " in the timeline.",
        form=DutyForm(request.POST or None, at=timezone.now(), duties=duties, chosen=chosen if chosen in ALL else ""),
        verb=lambda form, by: verb(incident_id=one.pk, **build_arguments(form, by)),
        back=back,
        done="Saved.",
        button="Record notification",
    )
    return answer(request, act)


def export(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say why, and take everything about it away, as a page or as JSON."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _build_report_file(request, form, incident_id)
        except (StaffOnly, NoReason) as error:
            form.add_error(None, str(error))
    return show(request, "incident_export.html", title="Export incident", form=form, incident=one)


def _build_report_file(request: PersonRequest, form: ExportForm, incident_id: int) -> HttpResponse:
    at, said = timezone.now(), form.cleaned_data
    page, who = export_incident(
        incident_id=incident_id, form=said["form"], actor=actor_of(request.user), reason=said["reason"], at=at
    )
    if said["form"] == "json":
        response = HttpResponse(as_json(page=page, who=who, at=at), content_type="application/json")
    else:
        response = render(request, "admin/incident_report.html", {"page": page, "who": who, "at": at})
    name = f"whereabouts-incident-{incident_id}-{at:%Y%m%d-%H%M}.{said['form']}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
