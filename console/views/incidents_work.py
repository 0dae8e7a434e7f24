"""Working an incident: notes, duties that were done, and everything about it to send away."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from audit.policies import ALL, DUTIES
from console.actions.incidents import do_duty, export_incident, note_incident, report_incident
from console.forms.incidents import DutyForm, ExportForm, NoteForm, ReportForm
from console.queries.incident_reports import as_json
from console.views.acts import Act, answer
from console.views.site import show
from support.queries.visible import visible_incidents

REPORT = ("kind", "company", "happened", "affected", "known_at", "reason")


def report(request: PersonRequest) -> HttpResponse:
    """Open one by hand: what no program saw."""
    act = Act(
        title="Report an incident",
        lead="Report what our systems can't detect: a stolen laptop, a letter from a partner, a full outage. Deadlines"
        " count from when it became known.",
        form=ReportForm(request.POST or None, at=timezone.now()),
        verb=lambda form, actor, at: report_incident(
            **{name: form.cleaned_data[name] for name in REPORT}, actor=actor, at=at
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
        verb=lambda form, actor, at: note_incident(
            incident_id=incident_id, actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=reverse("admin:incident", args=[incident_id]),
        done="Note added.",
        button="Add note",
    )
    return answer(request, act)


def record_report(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Write down who was told, when, and under which reference."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    duties = [(duty.name, duty.what) for duty in DUTIES.get(one.kind, ())]
    chosen = request.GET.get("duty", "")
    act = Act(
        title="Record a notification",
        lead=f"{one.get_kind_display()}. If you record the same notification twice, the newer entry applies. Both stay"
        " in the timeline.",
        form=DutyForm(
            request.POST or None, at=timezone.now(), duties=duties, chosen=chosen if chosen in ALL else ""
        ),
        verb=lambda form, actor, at: do_duty(
            incident_id=incident_id, duty=form.cleaned_data["duty"], told_on=form.cleaned_data["told_on"],
            reference=form.cleaned_data["reference"], actor=actor, reason=form.cleaned_data["reason"], at=at,
        ),
        back=reverse("admin:incident", args=[incident_id]),
        done="Saved.",
        button="Record notification",
    )  # fmt: skip
    return answer(request, act)


def export(request: PersonRequest, incident_id: int) -> HttpResponse:
    """Say why, and take everything about it away, as a page or as JSON."""
    one = get_object_or_404(visible_incidents(at=timezone.now()), pk=incident_id)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _file(request, form, incident_id)
        except (StaffOnly, NoReason) as error:
            form.add_error(None, str(error))
    return show(request, "incident_export.html", title="Export incident", form=form, incident=one)


def _file(request: PersonRequest, form: ExportForm, incident_id: int) -> HttpResponse:
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
