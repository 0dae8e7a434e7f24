"""For whoever may be watched by somebody near: leaving quickly, a safe number for alerts, and a line of their own."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions import contacts
from accounts.actions.contacts import prove_contact, remove_contact, request_contact, verify_reading_code
from accounts.actions.line_separation import request_separation, withdraw_separation
from accounts.domain import quick_exit, sessions
from accounts.forms import CodeForm, SafeNumberForm, SeparationForm
from accounts.policies import delegations
from accounts.policies.permissions import Action
from accounts.primitives import browsers
from accounts.primitives.numbers import format_phone_number
from accounts.primitives.sealing import unseal_to_show
from accounts.views.access import (
    HOME,
    SubscriberRequest,
    accept_reading_code,
    has_proved_identity,
    line_required,
    mark_lookup_view,
    pad_response_time,
    redirect_to_identity_proof,
    subscriber_required,
)
from accounts.views.sign_in import refuse_code
from audit.queries import database_clock

TOO_MANY_CODES = gettext_lazy(
    "You asked for too many codes today. Try again in 24 hours, or call us: our number is at the end of this page."
)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.SAFE_CONTACT)
def contact(request: SubscriberRequest) -> HttpResponse:
    """Where news about the line goes; a number that is to be the safe one gets a code."""
    form = SafeNumberForm(request.POST or None)
    if form.is_valid():
        msisdn = form.cleaned_data["number"]
        if request_contact(line_id=request.line.line.pk, msisdn=msisdn, at=database_clock()):
            messages.info(request, _("We texted a code to that number. It works for 10 minutes."))
        else:
            messages.error(request, TOO_MANY_CODES)
        return redirect("safe-contact")
    return _contact(request, form, CodeForm())


@require_POST
@line_required(Action.SAFE_CONTACT)
def contact_code(request: SubscriberRequest) -> HttpResponse:
    """The code that was texted there: news goes to that number from now on."""
    code = CodeForm(request.POST)
    if code.is_valid():
        typed, now = code.cleaned_data["code"], database_clock()
        if prove_contact(line_id=request.line.line.pk, user=request.user, typed=typed, at=now):
            messages.success(request, _("We now send alerts about this line to your safe number."))
            return redirect("safe-contact")
        waiting = delegations.get_pending_contact(line_id=request.line.line.pk, at=now)
        if waiting is None:
            # The page has no field for a code any more, beside which it could be said.
            is_spent = delegations.has_spent_contact_code(line_id=request.line.line.pk, at=now)
            messages.error(request, CodeForm.too_many if is_spent else CodeForm.wrong)
            return redirect("safe-contact")
        code.refuse(tries_left=waiting.tries_left)
    return _contact(request, SafeNumberForm(), code)


@require_POST
@line_required(Action.SAFE_CONTACT)
def contact_remove(request: SubscriberRequest) -> HttpResponse:
    """News goes to the phone again."""
    remove_contact(line_id=request.line.line.pk, user=request.user, at=database_clock())
    messages.success(request, _("We now send alerts about this line to its own phone."))
    return redirect("safe-contact")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.SEPARATE)
def separation(request: SubscriberRequest) -> HttpResponse:
    """Ask in confidence that the line leaves its account, and see how far that is.

    To ask takes a texted code. By that alone nobody sees whether somebody asked: the phone may be in another's hands.
    """
    line_id, may_see = request.line.line.pk, has_proved_identity(request)
    if "mine" in request.GET and not may_see:
        return redirect_to_identity_proof(request, then=reverse("separation"))
    form = SeparationForm(request.POST or None)
    if form.is_valid():
        request_separation(
            line_id=line_id,
            user=request.user,
            reach=form.cleaned_data["reach"],
            note=form.cleaned_data["note"],
            at=timezone.now(),
        )
        messages.success(request, _("We have your request. We'll reach you only in the way you chose."))
        return redirect("separation")
    newest = delegations.separation_of(line_id=line_id) if may_see else None
    told = {"line": request.line, "form": form, "newest": newest, "may_see": may_see}
    return render(request, "safety/separation.html", told)


@require_POST
@line_required(Action.SEPARATE)
def separation_back(request: SubscriberRequest) -> HttpResponse:
    """The person no longer wants it: never by a texted code alone, where they have more."""
    if not has_proved_identity(request):
        return redirect_to_identity_proof(request, then=reverse("separation"))
    withdraw_separation(line_id=request.line.line.pk, user=request.user, at=timezone.now())
    return redirect("separation")


@require_POST
@subscriber_required
@pad_response_time
def text_reading_code(request: SubscriberRequest) -> HttpResponse:
    """Text a code to the safe contact from before the number changed; the same words whether or not there is one."""
    contacts.text_reading_code(
        line_id=request.known[0].line.pk,
        asker=sessions.get_asker(request),
        network=browsers.get_network(request),
        at=database_clock(),
    )
    sessions.reset_tries(request)
    return redirect("safe-code")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@subscriber_required
@pad_response_time
def reading_code(request: SubscriberRequest) -> HttpResponse:
    """The code from there opens what there is to read while a new number holds the line."""
    own = request.known[0]
    if request.held_until is None or not accept_reading_code(request, own=own):
        return redirect(HOME)
    form = CodeForm(request.POST or None)
    if mark_lookup_view(request, form):
        typed, asker = form.cleaned_data["code"], sessions.get_asker(request)
        contact = None
        if sessions.count_tries_left(request):
            contact = verify_reading_code(
                line_id=own.line.pk, user=request.user, asker=asker, typed=typed, at=database_clock()
            )
        if contact and own.line.number_changed_at:
            browsers.show_by_contact(request, contact_id=contact.pk, moved=own.line.number_changed_at)
            return redirect(HOME)
        refuse_code(request, form, at=timezone.now())
    return render(request, "safety/reading_code.html", {"line": own, "form": form, "until": request.held_until})


def _contact(request: SubscriberRequest, form: SafeNumberForm, code: CodeForm) -> HttpResponse:
    line_id, now = request.line.line.pk, database_clock()
    there, waits = delegations.contact_of(line_id=line_id), delegations.get_pending_contact(line_id=line_id, at=now)
    shown_to = {
        "number": format_phone_number(unseal_to_show(there.to_sealed)) if there else "",
        "both_until": delegations.get_double_alert_end(contact=there, at=now) if there else None,
        "waits": format_phone_number(unseal_to_show(waits.to_sealed)) if waits else "",
    }
    return render(request, "safety/contact.html", {"line": request.line, "form": form, "code": code, **shown_to})


@csrf_exempt  # Leaving must work even when the page is stale, and forging it harms nobody.
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Leave quickly: the session ends, the browser forgets the site, and a page that says nothing takes its place."""
    logout(request)
    return quick_exit.leave(request)


@csrf_exempt  # As above: the worst that is forged is the way back to the front page.
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def away(request: HttpRequest) -> HttpResponse:
    """A page that says nothing about where somebody was. Back leads nowhere else, until the person goes on from it."""
    if request.method == "POST":
        return quick_exit.clear_quick_exit(request, redirect("front"))
    return render(request, "account/away.html")
