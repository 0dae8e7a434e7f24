"""A company's question: read it, prove the phone by a code, say no in one step or yes in two."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.codes import verify_code
from accounts.domain import sessions
from accounts.forms import CodeForm
from accounts.primitives import browsers
from accounts.views.access import mark_lookup_view, pad_response_time
from consent.actions.choices import NotAllowable
from consent.actions.consent_requests import NotOpen, approve_request, refuse_request, text_code
from consent.domain import notices
from consent.domain.consent_requests import get_answer
from consent.labels import approval_refused_in_words
from consent.views.access import DOOR, AskRequest, get_open_request, render_closed
from partners.models import NoticeText


@require_safe
@get_open_request
def question(request: AskRequest) -> HttpResponse:
    """Who asks, for what, how exactly and until when; and the two answers, for its person."""
    shown = {"question": request.question, "may_answer": request.may_answer, "held_until": request.held_until}
    return render(request, "ask/question.html", {**shown, "notice": _notice(request)})


@require_POST
@pad_response_time
@get_open_request
def text(request: AskRequest) -> HttpResponse:
    """Text a code to the phone that is asked; the same words whether or not there is one, or one to ask."""
    text_code(
        question=request.question,
        asker=sessions.get_asker(request),
        network=browsers.get_network(request),
        at=timezone.now(),
    )
    sessions.reset_tries(request)
    if "again" in request.POST:
        messages.info(request, CodeForm.sent_again)
    return redirect("ask-code", token=request.question.token)


@require_http_methods(["GET", "HEAD", "POST"])
@pad_response_time
@get_open_request
def code(request: AskRequest) -> HttpResponse:
    """The code from the text: whoever types it holds the phone that is asked."""
    form, asked_of = CodeForm(request.POST or None), request.question
    if mark_lookup_view(request, form):
        now = timezone.now()
        typed = form.cleaned_data["code"]
        line = None
        if not sessions.has_tried_enough(request):
            line = verify_code(
                msisdn=asked_of.msisdn, purpose=DOOR, asker=sessions.get_asker(request), typed=typed, at=now
            )
        if line:
            sessions.prove_line(
                request, door=DOOR, about=asked_of.token, line_id=line.pk, msisdn=asked_of.msisdn, at=now
            )
            return redirect("ask", token=asked_of.token)
        form.refuse(spent=sessions.count_try(request))
    return render(request, "ask/code.html", {"form": form, "question": asked_of})


@require_http_methods(["GET", "HEAD", "POST"])
@get_open_request
def yes(request: AskRequest) -> HttpResponse:
    """The second of two steps: read what a yes means, and confirm it."""
    notice, changed = _notice(request), False
    if not request.may_answer or request.held_until:
        return redirect("ask", token=request.question.token)
    if request.method == "POST":
        try:
            approve_request(
                question=request.question,
                user=request.person,
                notice=notice.read_as(request.POST.get("notice", "")),
                at=timezone.now(),
            )
        except notices.NoticeChanged:
            notice, changed = _notice(request), True
        except NotOpen:
            return render_closed(request)
        except NotAllowable as error:
            # The question stays open: what keeps a yes from counting may pass.
            messages.error(request, approval_refused_in_words(error.reason))
            return redirect("ask", token=request.question.token)
        else:
            return _redirect_to_answer(request)
    return render(request, "ask/yes.html", {"question": request.question, "notice": notice, "changed": changed})


@require_POST
@get_open_request
def no(request: AskRequest) -> HttpResponse:
    """No, in one step."""
    if not request.may_answer:
        return redirect("ask", token=request.question.token)
    notice = _notice(request)
    read = notice if notice.digest == request.POST.get("notice") else None
    try:
        refuse_request(question=request.question, user=request.person, notice=read, at=timezone.now())
    except NotOpen:
        return render_closed(request)
    return _redirect_to_answer(request)


@require_safe
@never_cache
def show_answer(request: HttpRequest, token: str) -> HttpResponse:
    """What was answered, for the browser that answered."""
    given = get_answer(token=token) if sessions.has_answered(request, about=token) else None
    return render(request, "ask/answered.html", {"given": given}) if given else render_closed(request)


def _notice(request: AskRequest) -> notices.DisplayedNotice:
    asked_of = request.question
    use = NoticeText.Use.ASK if asked_of.texted else NoticeText.Use.ALLOW
    return notices.build_approval_notice(campaign=asked_of.campaign.ref, use=use, until=asked_of.ends_at)


def _redirect_to_answer(request: AskRequest) -> HttpResponse:
    sessions.record_answered_question(request, about=request.question.token)
    return redirect("ask-answered", token=request.question.token)
