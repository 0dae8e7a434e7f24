"""The queue: what waits for us, due first. Search, and whose a case is."""

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain.view_as import get_shown_role
from accounts.policies.permissions import StaffAction, actor_of, staff_may
from accounts.primitives.reasons import NoReason
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from support.actions import queue as queue_actions
from support.actions.queue import DESK, export_list, record_search
from support.forms.queue import PLACING, AssignForm, HandOverForm, MergeForm, QueueForm, SearchForm, list_sort_links
from support.policies.lifecycle import NotNow
from support.queries import queue as waiting
from support.queries.queue import QueueFilter
from support.queries.saved_views import list_views
from support.views.access import at_the_desk
from support.views.saved_views import QUEUE, read_query


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def queue(request: PersonRequest) -> HttpResponseBase:
    """What waits for us, as it was asked for; as a file with `csv`."""
    form, at = QueueForm(request.GET), timezone.now()
    asked = form.build_filter()
    if "csv" in request.GET:
        return _download(request, form, asked, at)
    if criteria := form.get_criteria():
        goes_on = bool(request.GET.get("after") or request.GET.get("sort"))
        record_search(where=DESK, criteria=criteria, actor=actor_of(request.user), at=at, goes_on=goes_on)
    # The queues have tabs of their own.
    unnarrowed = PLACING | {"kind"} if asked.kind in waiting.QUEUES else PLACING
    narrowed = any(request.GET[name] for name in request.GET if name not in unnarrowed)
    shown = {
        "form": form,
        "asked": asked,
        "query": without_place(request),
        "sorts": list_sort_links(asked=asked, given=request.GET),
        "narrowed": narrowed,
        "page": waiting.page(asked=asked, user_id=request.user.pk, at=at),
        "queues": waiting.count_queues(at=at),
        **_saved_views(request, narrowed=narrowed),
        **_may(request),
    }
    return render(request, "desk/queue.html", shown)


@staff_download
def _download(request: PersonRequest, form: QueueForm, asked: QueueFilter, at: datetime) -> HttpResponseBase:
    """The same cases in the same order as CSV, as many as lists give out; that it was taken is written down."""
    export_list(
        title=DESK, criteria=form.get_criteria(), needed=StaffAction.SEE_TICKETS, user=request.user, at=at
    )  # fmt: skip
    return csv_file(lines=waiting.as_csv(asked=asked, user_id=request.user.pk, at=at), name="whereabouts-cases")


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def counts(request: PersonRequest) -> HttpResponse:
    """How many tickets wait, for the script that asks again."""
    return render(request, "desk/_counts.html")


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.SEE_TICKETS)
def search(request: PersonRequest) -> HttpResponseBase:
    """What fits some words. They are not in the address: they may be about a person. Opened again, it is the queue."""
    form, at = SearchForm(request.POST), timezone.now()
    if not form.is_valid() or not form.cleaned_data["q"]:
        return redirect("desk")
    said = form.cleaned_data["q"]
    page = queue_actions.search(asked=said, before=form.cleaned_data["before"] or 0, user=request.user, at=at)
    return render(request, "desk/found.html", {"q": said, "page": page, **_may(request)})


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def claim_next(request: PersonRequest) -> HttpResponseBase:
    """Take what is due first in the queue of this address, and go to it; else back to that queue."""
    asked = QueueForm(request.GET).build_filter()
    code = queue_actions.claim_next(asked=asked, user=request.user, at=timezone.now())
    if code is None:
        messages.info(request, _("Nothing to take: no case with these filters is free."))
        return redirect(f"{reverse('desk')}?{without_place(request)}")
    return redirect(f"/desk/{code}/")


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def claim(request: PersonRequest, code: str) -> HttpResponseBase:
    """Take this one, and go to it."""
    try:
        queue_actions.claim(code=code, user=request.user, at=timezone.now())
    except NotNow as error:
        messages.error(request, str(error))
    return redirect(f"/desk/{code}/")


@require_safe
@at_the_desk(StaffAction.WORK_TICKETS)
def handling(request: PersonRequest, code: str) -> HttpResponse:
    """The forms that say whose a case is, and which one it goes on as."""
    return _handling(request, code)


@require_POST
@at_the_desk(StaffAction.LEAD_DESK)
def assign(request: PersonRequest, code: str) -> HttpResponseBase:
    """Give it to somebody, whoever has it."""
    form = AssignForm(request.POST)
    if not form.is_valid():
        return _handling(request, code, assign_form=form)
    try:
        queue_actions.assign(code=code, to=form.cleaned_data["to"], actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        form.add_error(None, str(error))
        return _handling(request, code, assign_form=form)
    messages.success(request, _("Assigned.") if form.cleaned_data["to"] else _("Back in the queue."))
    return redirect(f"/desk/{code}/")


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def hand_over(request: PersonRequest, code: str) -> HttpResponseBase:
    """Give one's own to somebody else, with a note."""
    form = HandOverForm(request.POST)
    if not form.is_valid():
        return _handling(request, code, hand_over_form=form)
    try:
        queue_actions.hand_over(code=code, **form.cleaned_data, actor=actor_of(request.user), at=timezone.now())
    except (NotNow, NoReason) as error:
        form.add_error(None, str(error))
        return _handling(request, code, hand_over_form=form)
    messages.success(request, _("%(code)s was handed over.") % {"code": code})
    return redirect("desk")


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def merge(request: PersonRequest, code: str) -> HttpResponseBase:
    """Make one of two, and go to the one that goes on."""
    form = MergeForm(request.POST)
    if not form.is_valid():
        return _handling(request, code, merge_form=form)
    into = form.cleaned_data["into"]
    try:
        queue_actions.merge(code=code, into=into, actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        form.add_error("into", str(error))
        return _handling(request, code, merge_form=form)
    messages.success(request, _("%(code)s was merged into this case.") % {"code": code})
    return redirect(f"/desk/{into}/")


def without_place(request: PersonRequest) -> str:
    """The filters of the address, without where the page begins, for the next one."""
    kept = request.GET.copy()
    kept.pop("after", None)
    return kept.urlencode()


def _saved_views(request: PersonRequest, *, narrowed: bool) -> dict[str, object]:
    """The reader's own views of the queue, and what the address has that is worth another."""
    is_own = narrowed or "sort" in request.GET
    views = list_views(user=request.user, page=QUEUE)
    return {"views": views, "to_save": read_query(request.GET).urlencode() if is_own else ""}


def _may(request: PersonRequest) -> dict[str, object]:
    role = get_shown_role(request)
    return {"may_work": staff_may(role, StaffAction.WORK_TICKETS), "may_lead": staff_may(role, StaffAction.LEAD_DESK)}


def _handling(request: PersonRequest, code: str, **forms: object) -> HttpResponse:
    seen = queue_actions.see_handling(code=code, user=request.user, at=timezone.now())
    if seen is None:
        raise Http404
    row, alike = seen
    shown = {
        "row": row,
        **_may(request),
        "assign_form": AssignForm(),
        "hand_over_form": HandOverForm(),
        "merge_form": MergeForm(),
        "duplicates": alike,
        **forms,
    }
    return render(request, "desk/handling.html", shown)
