"""Stopping without an account: a number, a code, one button. Every number gets the same answers in the same time."""

from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.codes import verify_code
from accounts.clients import oidc
from accounts.domain import sessions
from accounts.domain.sessions import ProvedLine
from accounts.forms import CodeForm, NumberForm, StopEndedForm
from accounts.models import Line, TextedCode
from accounts.primitives.numbers import format_phone_number as number_shown
from accounts.primitives.zones import name_of, zone_of
from accounts.views.access import mark_lookup_view, pad_password_response, pad_response_time, skip_delay
from accounts.views.sign_in import refuse_code, text_code_again, text_code_to, was_pressed_twice
from audit.queries import database_clock
from consent.actions import without_account
from consent.actions.without_account import NumberMoved
from consent.domain import notices, pdf_receipts, receipts
from consent.domain.notices import DisplayedNotice
from consent.domain.signal_stops import find_whole_signal_stop
from consent.queries.receipts import find_linked_stop

STOP = TextedCode.Purpose.STOP


@require_http_methods(["GET", "HEAD", "POST"])
@pad_response_time
def number(request: HttpRequest) -> HttpResponse:
    """Step one: a number."""
    form = NumberForm(request.POST or None)
    if mark_lookup_view(request, form):
        msisdn = form.cleaned_data["number"]
        text_code_to(request, msisdn=msisdn, purpose=STOP)
        sessions.remember_number(request, door=STOP, msisdn=msisdn)
        return redirect("stop-code")
    ways = {
        "by_text": bool(settings.SMS_INBOUND_SECRETS),
        "by_carrier": oidc.has_provider(oidc.CARRIER),
        "by_agent": bool(settings.DRP_BUSINESS_ID),
    }
    return render(request, "stop/number.html", {"form": form, **ways})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@pad_response_time
def code(request: HttpRequest) -> HttpResponse:
    """Step two: the code from the text."""
    msisdn = sessions.get_remembered_number(request, door=STOP)
    if not msisdn:
        skip_delay(request)
        # Pressed twice, it was proved under another key: the next page knows.
        return redirect("stop-all" if sessions.was_replaced(request) else "stop")
    form = CodeForm(request.POST or None)
    if mark_lookup_view(request, form):
        now = database_clock()
        typed = form.cleaned_data["code"]
        line = None
        if sessions.count_tries_left(request):
            line = verify_code(msisdn=msisdn, purpose=STOP, asker=sessions.get_asker(request), typed=typed, at=now)
        if line:
            is_childs = line.user_role == Line.UserRole.MINOR
            sessions.prove_line(request, door=STOP, line_id=line.pk, msisdn=msisdn, is_childs=is_childs, at=now)
            return redirect("stop-all")
        if was_pressed_twice(request, msisdn=msisdn, purpose=STOP, at=now):
            return redirect("stop-all")
        refuse_code(request, form, at=now)
    return render(request, "stop/code.html", {"form": form, "number": number_shown(msisdn)})


@require_POST
@pad_response_time
def again(request: HttpRequest) -> HttpResponse:
    """Text the code once more."""
    return text_code_again(request, purpose=STOP, start="stop", then="stop-code")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def everything(request: HttpRequest) -> HttpResponse:
    """Step three: the button. In force when the answer comes. Pressed twice, it leads to the same link twice."""
    now = timezone.now()
    proved = sessions.proved_line(request, door=STOP, at=now)
    if proved is None:
        link = sessions.get_recent_link(request, at=now)
        return redirect("stop-progress", token=link) if link else redirect("stop")
    notice = notices.build_stop_notice()
    # A page that lay open in another tab may be about another number.
    is_this = request.POST.get("of", proved.mark) == proved.mark
    if "stop-all" in request.POST and is_this:
        return _stop_everything(request, proved, notice, now)
    shown: dict[str, object] = {"number": number_shown(proved.msisdn), "of": proved.mark}
    if is_this and (signal_stop := find_whole_signal_stop(line_id=proved.line_id, at=now)):
        # What the browser's signal did already: the button is for the link and the receipt alone.
        with timezone.override(zone_of(signal_stop.state)):
            zone = name_of(zone_of(signal_stop.state))
            return render(request, "stop/off.html", {**shown, "signal_stop": signal_stop, "zone": zone})
    shown |= {"notice": notice, "was_another": not is_this, "for_a_child": proved.is_childs}
    return render(request, "stop/everything.html", shown)


def _stop_everything(request: HttpRequest, proved: ProvedLine, shown: DisplayedNotice, now: datetime) -> HttpResponse:
    """A stop is taken whatever was read before it; it is only written down what was."""
    read = shown if request.POST.get("notice") == shown.digest else None
    try:
        token = without_account.stop_all_by_line(line_id=proved.line_id, msisdn=proved.msisdn, notice=read, at=now)
    except NumberMoved:
        sessions.forget_steps(request)
        return redirect("stop")
    sessions.store_progress_link(request, token=token, msisdn=proved.msisdn, at=now)
    return redirect("stop-progress", token=token)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
@pad_password_response
def after_end(request: HttpRequest) -> HttpResponse:
    """Stop for a line that has ended, by its password alone. No answer says whether it was right."""
    form, sent = StopEndedForm(request.POST or None), False
    if mark_lookup_view(request, form):
        msisdn, password = form.cleaned_data["number"], form.cleaned_data["password"]
        without_account.stop_after_end(msisdn=msisdn, password=password, at=timezone.now())
        sent = True
    return render(request, "stop/ended.html", {"form": form, "sent": sent})


@require_safe
@never_cache
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """How far a stop has come, in counts, for whoever holds its link."""
    now = timezone.now()
    linked = find_linked_stop(token=token, at=now)
    if linked is None:
        raise Http404
    msisdn = sessions.number_of_link(request, token=token, at=now)
    with timezone.override(zone_of(linked.state)):
        shown = {
            "linked": linked,
            "counts": linked.counts,
            "token": token,
            "zone": name_of(zone_of(linked.state)),
            "number": number_shown(msisdn) if msisdn else "",
        }
        return render(request, "stop/progress.html", shown)


@require_safe
@never_cache
def receipt(request: HttpRequest, token: str) -> HttpResponse:
    """Our signed receipt of that stop, to keep: `verify_receipt` checks it without us."""
    linked = find_linked_stop(token=token, at=timezone.now())
    if linked is None:
        raise Http404
    body = receipts.file_of(receipt=linked.receipt, at=timezone.now())
    response = JsonResponse(body, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{linked.receipt.number}.json"'
    return response


@require_safe
@never_cache
def receipt_pdf(request: HttpRequest, token: str) -> HttpResponse:
    """The same to print, with that file inside."""
    now = timezone.now()
    linked = find_linked_stop(token=token, at=now)
    if linked is None:
        raise Http404
    zone = zone_of(linked.state)
    said = pdf_receipts.PageTexts(
        title=_("All sharing was stopped"),
        made_at=linked.made_at,
        until=None,
        how=_("Made without an account, with this phone"),
        zone=name_of(zone),
    )
    body = receipts.file_of(receipt=linked.receipt, at=now)
    with timezone.override(zone):
        printed = pdf_receipts.receipt_pdf(receipt=linked.receipt, paper=said, body=body, at=now)
    response = HttpResponse(printed, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{linked.receipt.number}.pdf"'
    return response
