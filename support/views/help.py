"""Help: short answers for everybody; and for whoever is signed in, what they asked us and what we answered."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.clients import oidc
from accounts.models import Line, User
from accounts.policies.permissions import Action
from accounts.queries import PersonsLine
from accounts.views.access import SubscriberRequest, at_line, line_required, turn_to_line
from accounts.views.looks import record_view
from support.actions import asking as actions
from support.domain import files
from support.forms.cases import AskForm, RatingForm, ReplyForm
from support.models import Ticket
from support.primitives.tokens import READ, code_in
from support.queries import own_cases, subjects
from support.views import access
from support.views.access import to_save

ENOUGH = 429


@require_safe
@never_cache
def about(request: HttpRequest) -> HttpResponse:
    """Questions people have, answered; and their own cases, where somebody may read them here and now."""
    lines = {one.line.pk: one for one in access.reads_cases(request)}
    shown: dict[str, object] = {
        "by_text": bool(settings.SMS_INBOUND_SECRETS),
        "by_carrier": oidc.has_provider(oidc.CARRIER),
        "by_agent": bool(settings.DRP_BUSINESS_ID),
        "reads": bool(lines),
        "cases": _list_cases(request, lines),
    }
    return render(request, "pages/help.html", shown)


def _list_cases(request: HttpRequest, lines: Mapping[int, PersonsLine]) -> list[own_cases.Case]:
    """The cases of whoever is here; in the log of a line that is another's, that they looked."""
    if not lines or not isinstance(request.user, User):
        return []
    by_id = {line_id: one.line for line_id, one in lines.items()}
    cases = own_cases.cases_of(user=request.user, lines=by_id, at=timezone.now())
    for line_id in {case.ticket.line_id or 0 for case in cases}:
        record_view(request, line=lines[line_id])
    return cases


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.ASK)
def write(request: SubscriberRequest) -> HttpResponseBase:
    """Write to us about something of one's own: a company that still has data, trouble with signing in, all else."""
    initial = {"topic": request.GET.get("topic", Ticket.Kind.OTHER)}
    return _handle_ask_form(request, AskForm(request.POST or None, request.FILES or None, initial=initial), None)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@line_required(Action.READ_CASES)
def ask(request: SubscriberRequest, kind: str, ref: str) -> HttpResponseBase:
    """Ask about one look-up, choice, order or company that this person sees."""
    subject = subjects.subject_of(line=request.line.line, kind=kind, ref=ref, at=timezone.now())
    if subject is None:
        raise Http404
    topics = [subject.asked_as, Ticket.Kind.STILL_HAVE] if kind == subjects.COMPANY else [subject.asked_as]
    form = AskForm(request.POST or None, request.FILES or None, topics=topics, initial={"topic": topics[0]})
    return _handle_ask_form(request, form, subject)


@require_safe
@never_cache
@line_required(Action.READ_CASES)
def ask_of_dispute(request: SubscriberRequest, choice_id: UUID) -> HttpResponse:
    """On to the case that "I never agreed" opened; where there is none yet, to asking about the choice."""
    ticket = own_cases.dispute_of(user=request.user, line_ids=_lines(request), choice_id=choice_id)
    if ticket is not None:
        return redirect("case", code=ticket.code)
    return redirect("help-ask", kind=subjects.CHOICE, ref=str(choice_id))


@require_POST
@line_required(Action.READ_CASES)
def withdraw_dispute(request: SubscriberRequest, choice_id: UUID) -> HttpResponse:
    """Take "I never agreed" back: whoever said it may. The case is closed, and the stop stays."""
    if not actions.withdraw_dispute(
        user=request.user, line_ids=_lines(request), choice_id=choice_id, at=timezone.now()
    ):
        raise Http404
    return redirect("dispute", choice_id=choice_id)


@require_safe
@never_cache
@line_required(Action.ASK)
def show_confirmation(request: SubscriberRequest, code: str) -> HttpResponse:
    """What to quote, and by when an answer is due. Nothing of what was written."""
    lines = {one.line.pk: one.line for one in request.known if one.may(Action.ASK)}
    ticket = own_cases.case_of(code=code, user=request.user, line_ids=lines)
    if ticket is None or ticket.asked_by_id is None:
        raise Http404
    return render(request, "help/sent.html", {"line": request.line, "ticket": ticket})


@require_safe
@never_cache
@line_required(Action.READ_CASES)
def case(request: SubscriberRequest, code: str) -> HttpResponse:
    """One's own case."""
    return _case(request, code, ReplyForm(), RatingForm())


@require_POST
@line_required(Action.READ_CASES)
def reply(request: SubscriberRequest, code: str) -> HttpResponse:
    """Write in one's own case again; an answered one is open again by it."""
    form = ReplyForm(request.POST, request.FILES)
    if not form.is_valid():
        return _case(request, code, form, RatingForm(), status=400)
    try:
        written = actions.add_message(
            code=code, user=request.user, line_ids=_lines(request), message=form.build_message(), at=timezone.now()
        )
    except actions.DailyLimitReached:
        form.add_error(None, ReplyForm.enough)
        return _case(request, code, form, RatingForm(), status=ENOUGH)
    except actions.CaseTooOld:
        return _case(request, code, form, RatingForm(), status=400)
    if not written:
        raise Http404
    return redirect("case", code=code)


@require_POST
@line_required(Action.READ_CASES)
def rate(request: SubscriberRequest, code: str) -> HttpResponse:
    """Say how good our answer was."""
    form = RatingForm(request.POST)
    if not form.is_valid():
        return _case(request, code, ReplyForm(), form, status=400)
    said = {"rating": form.cleaned_data["rating"], "words": form.cleaned_data["words"], "at": timezone.now()}
    if not actions.rate_answer(code=code, user=request.user, line_ids=_lines(request), **said):
        raise Http404
    return redirect("case", code=code)


@require_safe
@never_cache
@line_required(Action.READ_CASES)
def file(request: SubscriberRequest, code: str, file_id: UUID) -> HttpResponse:
    """A file of one's own case, to save: never shown in the page."""
    ticket = own_cases.case_of(code=code, user=request.user, line_ids=_lines(request))
    found = own_cases.file_of(ticket=ticket, file_id=file_id) if ticket else None
    if found is None:
        raise Http404
    return to_save(name=found.name, media_type=found.media_type, content=files.read_file(file_id=found.pk))


@require_safe
@never_cache
@line_required(Action.READ_CASES)
def download(request: SubscriberRequest, code: str) -> HttpResponse:
    """One's own case as a text to keep."""
    ticket = own_cases.case_of(code=code, user=request.user, line_ids=_lines(request))
    if ticket is None:
        raise Http404
    text = render_to_string("help/case.txt", _build_case_context(request, ticket), request)
    return to_save(name=f"whereabouts-{ticket.code}.txt", media_type="text/plain", content=text.encode())


@require_safe
@never_cache
def by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """A case that began with a mail from nobody we know, for whoever has the link that was mailed back."""
    ticket = own_cases.find_mailed_case(code=code_in(token=token, purpose=READ))
    if ticket is None:
        raise Http404
    shown = {"ticket": ticket, "case": own_cases.build_own_case(ticket=ticket, line=None, at=timezone.now())}
    with translation.override(ticket.language):
        return render(request, "help/by_mail.html", {**shown, "parts": own_cases.thread_of(ticket=ticket)})


def _handle_ask_form(request: SubscriberRequest, form: AskForm, subject: subjects.Subject | None) -> HttpResponseBase:
    """Take what was written, or show the form with what is wrong with it."""
    status = 200
    if form.is_valid():
        topic = Ticket.Kind(form.cleaned_data["topic"])
        user, line, now = request.user, request.line.line, timezone.now()
        try:
            ticket = actions.open_case(
                user=user, line=line, topic=topic, subject=subject, message=form.build_message(), at=now
            )
        except actions.DailyLimitReached:
            form.add_error(None, ReplyForm.enough)
            status = ENOUGH
        else:
            return redirect("help-sent", code=ticket.code)
    shown = {"line": request.line, "at_line": at_line(request), "form": form, "subject": subject}
    return render(request, "help/ask.html", shown, status=400 if form.errors and status == 200 else status)


def _case(
    request: SubscriberRequest, code: str, form: ReplyForm, rating: RatingForm, *, status: int = 200
) -> HttpResponse:
    ticket = own_cases.case_of(code=code, user=request.user, line_ids=_lines(request))
    if ticket is None:
        raise Http404
    ticket = ticket.list_chain()[-1]
    if own_cases.case_of(code=ticket.code, user=request.user, line_ids=_lines(request)) is None:
        raise Http404
    shown = _build_case_context(request, ticket) | {"form": form, "rating": rating}
    return render(request, "help/case.html", shown, status=status)


def _build_case_context(request: SubscriberRequest, ticket: Ticket) -> dict[str, object]:
    """What the page of a case shows, and the file of it. It is about its own line, whatever the address named."""
    now = timezone.now()
    turn_to_line(request, next(one for one in request.known if one.line.pk == ticket.line_id))
    return {
        "line": request.line,
        "at_line": at_line(request),
        "case": own_cases.build_own_case(ticket=ticket, line=request.line.line, at=now),
        "ticket": ticket,
        "merged_codes": own_cases.list_merged_codes(ticket=ticket),
        "parts": own_cases.thread_of(ticket=ticket),
        "open": actions.may_open_again(ticket=ticket, at=now),
        "dispute": subjects.get_disputed_choice(ticket=ticket),
    }


def _lines(request: SubscriberRequest) -> dict[int, Line]:
    return {one.line.pk: one.line for one in request.known if one.may(Action.READ_CASES)}
