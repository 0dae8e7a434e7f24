"""Somebody else looks after a line: its user asks, sees and ends it; whoever is asked says yes or no."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries
from accounts.actions import delegations as delegations_actions
from accounts.actions.delegations import NotDelegated, answer_delegation, end_delegation
from accounts.forms import DelegateForm
from accounts.policies import delegations
from accounts.policies.permissions import Action
from accounts.primitives.numbers import format_phone_number
from accounts.primitives.sealing import unseal_to_show
from accounts.views.access import SubscriberRequest, line_required, mark_lookup_view, pad_response_time

REFUSED = {
    "own": gettext_lazy("That's this line's own number. Type someone else's number."),
    "asked": gettext_lazy("You already asked this number. To ask for something else, end that first."),
    "many": gettext_lazy("Five people haven't answered yet. Wait for an answer, or end one of the requests below."),
}


SAID = {
    "yes": gettext_lazy("You're now a trusted helper for this line. You can stop helping at any time."),
    "no": gettext_lazy("You said no."),
    "end": gettext_lazy("You're no longer a trusted helper for that line. You can't see it anymore."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.DELEGATE)
@pad_response_time
def delegates(request: SubscriberRequest) -> HttpResponse:
    """Who looks after the line, who was asked, and a form to ask somebody."""
    line, now = request.line, timezone.now()
    form = DelegateForm(request.POST or None, zone=line.zone, at=now)
    if mark_lookup_view(request, form):
        said = {"msisdn": form.cleaned_data["number"], "may": form.cleaned_data["may"], "ends_at": form.ends_at()}
        try:
            delegations_actions.delegate(line_id=line.line.pk, user=request.user, at=now, **said)
        except NotDelegated as error:
            if error.reason not in REFUSED:
                return redirect("delegates")  # which says why
            form.add_error("number", str(REFUSED[error.reason]))
        else:
            messages.success(request, _("Sent. If the number is a line with us, we've texted it."))
            return redirect("delegates")
    there = [
        (one, format_phone_number(unseal_to_show(one.asked_sealed)), one.asked_at + delegations.ASKED_FOR)
        for one in delegations.list_given_delegations(line_id=line.line.pk, at=now)
    ]
    return render(request, "looking_after/delegates.html", {"line": line, "form": form, "there": there})


@require_POST
@line_required(Action.DELEGATE)
def end(request: SubscriberRequest, delegation_id: UUID) -> HttpResponse:
    """The line's user ends it."""
    try:
        end_delegation(delegation_id=delegation_id, line_id=request.line.line.pk, user=request.user, at=timezone.now())
    except NotDelegated as error:
        raise Http404 from error
    messages.success(request, _("Ended. That person can't do anything with this line anymore."))
    return redirect("delegates")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.KNOW)
def delegation_request(request: SubscriberRequest, delegation_id: UUID) -> HttpResponse:
    """What somebody was asked to look after: whose line, what they may do, until when; yes or no, or give it back."""
    now, own = timezone.now(), request.known[0]
    if request.method == "POST":
        answer = request.POST.get("answer", "")
        try:
            answer_delegation(
                delegation_id=delegation_id, user=request.user, line_id=own.line.pk, answer=answer, at=now
            )
        except NotDelegated as error:
            raise Http404 from error
        messages.success(request, str(SAID[answer]))
        return redirect("lines")
    waiting = queries.list_delegation_requests(line=own, at=now)
    found = {one.delegation.pk: one for one in (*waiting, *request.known) if one.delegation}.get(delegation_id)
    if found is None:
        raise Http404
    return render(request, "looking_after/asked.html", {"found": found, "taken": found in request.known})


@require_safe
def show_invitation(request: HttpRequest) -> HttpResponse:
    """What an invitation by the account holder means, for whoever was texted one. It opens nothing by itself."""
    return render(request, "looking_after/invited.html")


@require_POST
@line_required(Action.INVITE)
def invite(request: SubscriberRequest) -> HttpResponse:
    """Invite the adult who uses a line of the account. Whatever became of it, the same is said."""
    own = request.known[0]
    delegations_actions.invite_line_user(
        line_id=request.line.line.pk, account_id=own.line.account_id, user=request.user, at=timezone.now()
    )
    messages.success(
        request, _("If this phone can get texts, we've sent it an invitation. We send one a week at most.")
    )
    return redirect("lines")
