"""What others ask of a person: a company's question (read it, prove the phone, answer), and an agent's request."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain import sessions
from accounts.forms import CodeForm
from accounts.models import TextedCode
from accounts.primitives import browsers
from accounts.views.access import mark_lookup_view, pad_response_time
from accounts.views.sign_in import refuse_code, was_pressed_twice
from audit.queries import database_clock
from consent.actions.agents import NotOpenRequest, answer_request
from consent.actions.choices import NotAllowable
from consent.actions.consent_requests import NotOpen, approve_request, refuse_request, text_code, verify_code
from consent.domain import agents, notices
from consent.domain.consent_requests import get_answer
from consent.labels import approval_refused_in_words
from consent.views.access import DOOR, AskRequest, get_open_request, render_closed
from partners.models import NoticeText


@require_safe
@get_open_request
def question(request: AskRequest) -> HttpResponse:
    """Who asks, for what, how exactly and until when; and the two answers, for its person."""
    shown = {"question": request.question, "may_answer": request.may_answer, "notice": _notice(request)}
    return render(request, "ask/question.html", {**shown, "held_until": request.held_until})


@require_POST
@pad_response_time
@get_open_request
def text(request: AskRequest) -> HttpResponse:
    """Text a code to the phone that is asked; the same words whether or not there is one, or one to ask."""
    sessions.begin_steps(request)
    text_code(
        question=request.question,
        asker=sessions.get_asker(request),
        network=browsers.get_network(request),
        at=database_clock(),
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
        now = database_clock()
        typed = form.cleaned_data["code"]
        line = None
        if sessions.count_tries_left(request):
            line = verify_code(question=asked_of, asker=sessions.get_asker(request), typed=typed, at=now)
        if line:
            sessions.prove_line(
                request, door=DOOR, about=asked_of.token, line_id=line.pk, msisdn=asked_of.msisdn, at=now
            )
            return redirect("ask", token=asked_of.token)
        if was_pressed_twice(request, msisdn=asked_of.msisdn, purpose=TextedCode.Purpose.ASK, at=now):
            return redirect("ask", token=asked_of.token)
        refuse_code(request, form, at=now)
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
            return redirect("ask-answered", token=request.question.token)
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
        return redirect("ask-answered", token=request.question.token)
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


@require_safe
def explain_agent_request(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """Where an agent sends its person on to: the same page for every request, real or not."""
    return render(request, "agents/explained.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def agent_request(request: HttpRequest, token: str) -> HttpResponse:
    """Who asks in the person's name, and the two answers. Whoever has the link had the text: it is this phone."""
    now = timezone.now()
    found = agents.find_linked_request(token=token, at=now)
    if found is None:
        return _render_closed(request, token, now)
    notice = notices.build_stop_notice()
    if "stop-all" in request.POST or "refuse" in request.POST:
        # A stop is taken whatever was read before it; it is only written down what was.
        read = notice if request.POST.get("notice") == notice.digest else None
        try:
            link = answer_request(token=token, theirs="stop-all" in request.POST, notice=read, at=now)
        except NotOpenRequest:
            return _render_closed(request, token, now)
        if not link:
            return render(request, "agents/refused.html")
        sessions.store_progress_link(request, token=link, at=now)
        return redirect("stop-progress", token=link)
    return render(request, "agents/asked.html", {"asked": found, "notice": notice})


def _render_closed(request: HttpRequest, token: str, at: datetime) -> HttpResponse:
    """Whoever has just pressed the button here, and presses it again, is led to the same link."""
    link = sessions.get_recent_link(request, at=at)
    if link and agents.is_answered_by_link(token=token, link=link):
        return redirect("stop-progress", token=link)
    return render(request, "agents/closed.html", status=404)
