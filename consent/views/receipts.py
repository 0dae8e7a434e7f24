"""The receipt of a choice: to read and print, as PDF, as JSON, by mail, by a text with a link."""

import uuid
from datetime import datetime
from html import unescape

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.sms_outbox import SentEnough
from accounts.policies.permissions import Action, Relation
from accounts.views.access import SubscriberRequest, line_required, seeing_required
from consent.actions import receipts as receipts_actions
from consent.domain import pdf_receipts, receipts
from consent.domain.proven_receipts import describe_receipt
from consent.domain.receipt_check import DoesNotVerify, Fault, check_receipt, read_receipt_file
from consent.domain.typesetting import END, OWN
from consent.forms import MailForm, ReceiptFileForm
from consent.queries.choice_words import choice_author, choice_origin, choice_title
from consent.queries.choices import ChoiceRow
from consent.queries.order_words import order_sentence
from consent.queries.progress import Progress, progress_of
from consent.queries.receipts import ReceiptView, receipt_of
from consent.views.choices import get_own_choice, shown_choice
from partners.domain import keys


@require_safe
@never_cache
@seeing_required
def receipt(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """The signed receipts of a choice, to print: ours, the companies', and ours that each of those came."""
    return _page(request, choice_id, MailForm())


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
def receipt_file(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """The same as a file that verifies offline."""
    found = _receipt(request, choice_id)
    body = receipts.file_of(receipt=found, at=timezone.now())
    response = JsonResponse(body, json_dumps_params={"indent": 2, "ensure_ascii": False})
    return _as_download(response, f"receipt-{found.number}.json")


@require_safe
@never_cache
@line_required(Action.DOWNLOAD)
def receipt_pdf(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """The same to print or file, with that file inside."""
    now = timezone.now()
    found = _receipt(request, choice_id)
    body = receipts.file_of(receipt=found, at=now)
    printed = pdf_receipts.receipt_pdf(receipt=found, paper=_paper(request, choice_id), body=body, at=now)
    return _as_download(HttpResponse(printed, content_type="application/pdf"), f"receipt-{found.number}.pdf")


@require_POST
@line_required(Action.DOWNLOAD)
def mail_receipt(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """Have it mailed, both files attached, to the address that was typed; the address is not kept."""
    now = timezone.now()
    form = MailForm(request.POST)
    if not form.is_valid():
        return _page(request, choice_id, form)
    found = _receipt(request, choice_id)
    body = receipts.file_of(receipt=found, at=now)
    printed = pdf_receipts.receipt_pdf(receipt=found, paper=_paper(request, choice_id), body=body, at=now)
    to, line_id = form.cleaned_data["to"], request.line.line.pk
    try:
        receipts_actions.mail_receipt(
            line_id=line_id, number=found.number, to=to, body=body, printed=printed, actor=_actor(request), at=now
        )
    except SentEnough:
        messages.error(request, _("You've reached today's limit. You can download the receipt here."))
    else:
        messages.success(request, _("We are sending it to %(to)s.") % {"to": to})
    return redirect("choice-receipt", choice_id=choice_id)


@require_POST
@line_required(Action.DOWNLOAD)
def text_receipt(request: SubscriberRequest, choice_id: uuid.UUID) -> HttpResponse:
    """Have the phone that signed in texted a link to it, and nothing that it says."""
    found, line = get_own_choice(request, choice_id)
    # No text reaches a phone whose line ended, nor one whose number no key opens.
    if line.relation == Relation.EX_USER or not request.lines[0].msisdn:
        raise Http404
    own = request.lines[0].line.pk
    try:
        receipts_actions.text_receipt(
            line_id=found.line_id, to_line=own, choice_id=choice_id, actor=_actor(request), at=timezone.now()
        )
    except SentEnough:
        messages.error(request, _("You've reached today's limit. You can download the receipt here."))
    else:
        messages.success(request, _("A text with a link is on its way to your phone."))
    return redirect("choice-receipt", choice_id=choice_id)


def _page(request: SubscriberRequest, choice_id: uuid.UUID, form: MailForm) -> HttpResponse:
    found = _receipt(request, choice_id)
    shown = shown_choice(request, choice_id) | {"receipt": found, "form": form}
    return render(
        request, "choices/receipt.html", shown | {"signed": receipts.add_completions(receipt=found)},
        status=400 if form.is_bound else 200,
    )  # fmt: skip


def _receipt(request: SubscriberRequest, choice_id: uuid.UUID) -> ReceiptView:
    found, _line = get_own_choice(request, choice_id)
    receipt = receipt_of(line_id=found.line_id, choice_id=found.id, order_ids=found.order_ids, asks=found.asks)
    if receipt is None:
        raise Http404
    return receipt


def _paper(request: SubscriberRequest, choice_id: uuid.UUID) -> pdf_receipts.PageTexts:
    found, line = get_own_choice(request, choice_id)
    author = choice_author(line=line, reader=request.user, actor=found.actor)
    return pdf_receipts.PageTexts(
        title=_plain(choice_title(choice=found, author=author)),
        made_at=found.made_at,
        until=found.until,
        how=_plain(choice_origin(choice=found, author=author)),
        zone=line.zone_name,
        standing=[_plain(order_sentence(order=one.shown, party=one.party)) for one in _list_owing(found)],
    )


def _list_owing(found: ChoiceRow) -> list[Progress]:
    partners = progress_of(told=found.orders, asks=found.asks, since=found.in_force_since, at=timezone.now())
    return [one for one in partners if one.shown.owes]


def _plain(words: str) -> str:
    isolated = words.replace("<bdi>", OWN).replace("</bdi>", END)
    return " ".join(unescape(strip_tags(isolated)).split())


def _as_download(response: HttpResponse, name: str) -> HttpResponse:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _actor(request: SubscriberRequest) -> str:
    return f"subscriber:{request.user.pk}"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def check(request: HttpRequest) -> HttpResponse:
    """Tell anyone what a receipt file proves. The file is checked in memory and not kept."""
    form = ReceiptFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and not form.is_bound:
        form = ReceiptFileForm({})
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        context |= _check_file(form.cleaned_data["file"].read(), timezone.now())
    return render(request, "choices/check_receipt.html", context, status=400 if form.errors else 200)


def _check_file(content: bytes, at: datetime) -> dict[str, object]:
    """The proven receipt, or why it proves nothing."""
    try:
        kept = read_receipt_file(content)
        checked = check_receipt(kept, keys.archive(at=at))
    except DoesNotVerify as error:
        return {"fault": error.fault}
    found = describe_receipt(checked=checked, kept=kept)
    return {"fault": found} if isinstance(found, Fault) else {"proven": found}
