"""For whoever may be watched by somebody near: a safe number for news, and a line of their own."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import actions, care
from accounts.access import SubscriberRequest, line_required
from accounts.forms import CodeForm, SafeNumberForm, SeparationForm
from accounts.numbers import shown
from accounts.permissions import Action
from accounts.sealing import unseal


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.SAFE_CONTACT)
def contact(request: SubscriberRequest) -> HttpResponse:
    """Where news about the line goes: choose a number, prove it by a code, remove it."""
    line_id, now = request.line.line.pk, timezone.now()
    if "remove" in request.POST:
        actions.remove_contact(line_id=line_id, user=request.user, at=now)
        messages.success(request, _("News about this line goes to this phone again."))
        return redirect("safe-contact")
    form = SafeNumberForm(request.POST if "number" in request.POST else None)
    code = CodeForm(request.POST if "code" in request.POST else None)
    if form.is_valid():
        return _ask(request, form.cleaned_data["number"])
    if code.is_valid():
        if actions.prove_contact(line_id=line_id, user=request.user, typed=code.cleaned_data["code"], at=now):
            messages.success(request, _("News about this line goes to your safe number now."))
            return redirect("safe-contact")
        code.add_error("code", CodeForm.wrong)
    now_there, waits = care.contact_of(line_id=line_id), care.contact_waiting(line_id=line_id, at=now)
    shown_to = {
        "number": shown(unseal(now_there.to_sealed)) if now_there else "",
        "both_until": care.both_until(contact=now_there, at=now) if now_there else None,
        "waits": shown(unseal(waits.to_sealed)) if waits else "",
    }
    return render(request, "safety/contact.html", {"line": request.line, "form": form, "code": code, **shown_to})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.SEPARATE)
def separation(request: SubscriberRequest) -> HttpResponse:
    """Ask in confidence that the line leaves its account, see how far that is, take it back."""
    line_id, now = request.line.line.pk, timezone.now()
    form = SeparationForm(request.POST if "reach" in request.POST else None)
    try:
        if "take-back" in request.POST:
            actions.take_back_separation(line_id=line_id, user=request.user, at=now)
            return redirect("separation")
        if form.is_valid():
            said = {name: form.cleaned_data[name] for name in ("reach", "note")}
            actions.ask_separation(line_id=line_id, user=request.user, at=now, **said)
            return redirect("separation")
    except actions.NotOpen:
        return redirect("separation")
    newest = care.separation_of(line_id=line_id)
    return render(request, "safety/separation.html", {"line": request.line, "form": form, "newest": newest})


def _ask(request: SubscriberRequest, msisdn: str) -> HttpResponse:
    if actions.ask_contact(line_id=request.line.line.pk, msisdn=msisdn, at=timezone.now()):
        messages.info(request, _("We have texted a code to that number. It is good for 10 minutes."))
    else:
        messages.error(request, _("That was asked for too often today. Try again tomorrow."))
    return redirect("safe-contact")
