"""Terminate: the plan an officer sees before agreeing, and the progress to the last deletion receipt."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import PlanChanged
from console.actions.proposals import propose_termination
from console.forms.ending import TerminateForm
from console.queries.terminations import termination_page
from console.views.acts import REFUSED
from console.views.site import show
from partners.policies.lifecycle import NotNow
from revocations.models import Cohort


def plan(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """What would end, for whom, and the form that ends it."""
    at = timezone.now()
    try:
        seen = termination.plan(of=of, target_id=target_id, at=at)
    except NotNow as error:
        raise Http404 from error
    form = TerminateForm(request.POST or None, ref=seen.ref, plan=seen.digest)
    if request.method == "POST" and form.is_valid():
        way = _end(form, of, target_id, actor_of(request.user), at)
        if way:
            messages.success(request, "Proposed. Another officer must agree." if form.proposes else "Terminated.")
            return redirect(way)
        form.with_plan(seen.digest)
    back = reverse(f"admin:{of}", args=[target_id])
    return show(request, "terminate.html", title=f"Terminate {seen.ref}", plan=seen, form=form, back=back)


def progress(request: PersonRequest, cohort_id: uuid.UUID) -> HttpResponse:
    """How far it is, to the last deletion receipt."""
    page = termination_page(cohort_id=cohort_id, at=timezone.now())
    if page is None:
        raise Http404
    return show(request, "termination.html", title=f"End of {page.target.name}", page=page)


def _end(form: TerminateForm, of: str, target_id: int, actor: str, at: datetime) -> str:
    """End it, or propose to; where to go then. "" where it was refused, and the form says why."""
    reason = form.cleaned_data["reason"]
    try:
        if form.proposes:
            return _propose_end(form, of, target_id, actor, at)
        cohort: Cohort = terminate(
            of=of, target_id=target_id, actor=actor, reason=reason, plan_digest=form.cleaned_data["plan"], at=at
        )
        return reverse("admin:termination", args=[cohort.pk])
    except (*REFUSED, PlanChanged) as error:
        form.add_error(None, str(error) or "You don't have permission to do this.")
    return ""


def _propose_end(form: TerminateForm, of: str, target_id: int, actor: str, at: datetime) -> str:
    plan, reason = form.cleaned_data["plan"], form.cleaned_data["reason"]
    made = propose_termination(of=of, target_id=target_id, plan=plan, reason=reason, actor=actor, at=at)
    return reverse("admin:proposal", args=[made.pk])
