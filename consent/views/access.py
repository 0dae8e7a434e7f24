"""Who may answer a question: its line's person, by a code texted for that or signed in. `asked` tells the whole story.

Whoever may not, and every link that is used up, over, another's or made up, gets the same page.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

import accounts.queries
from accounts.domain import sessions
from accounts.models import TextedCode, User
from accounts.policies import delegations
from accounts.primitives.zones import name_of, zone_of
from accounts.queries import PersonsLine
from accounts.views.looks import record_view
from consent.domain import consent_requests
from consent.domain.consent_requests import Question, may_be_answered

DOOR = TextedCode.Purpose.ASK


class AskRequest(HttpRequest):
    """A request about an open question. `may_answer`: its person is here; `person` None: by a texted code alone.

    `held_until`: until when they may say no and not yes; None: they are not held. `zone_name`: in which their pages
    tell the time.
    """

    question: Question
    may_answer: bool
    person: User | None
    held_until: datetime | None
    zone_name: str


def get_open_request(view: Callable[[AskRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Find the question behind the link, and whether its person is here. Anything else is `render_closed`.

    The browser that has answered, and presses a button again, is led to its answer.

    A question that a partner shows looks the same to everybody but its person for as long as it lasts: nobody can see
    in it whether the number is ours, nor whether somebody answered.
    """

    @never_cache
    @wraps(view)
    def door(request: AskRequest, token: str) -> HttpResponse:
        now = timezone.now()
        is_answered = sessions.has_answered(request, about=token)
        if is_answered and request.method == "POST":
            return redirect("ask-answered", token=token)
        question = consent_requests.find_linked_question(token=token, at=now)
        if question is None or is_answered:
            return render_closed(request)
        request.question, request.person = question, _find_subscriber(request)
        if not _identify(request, now) or _is_closed(request, question, now):
            return render_closed(request)
        request.held_until = _find_hold_end(request, question, now) if request.may_answer else None
        zone = zone_of(_state_of(request, question))
        request.zone_name = name_of(zone)
        with timezone.override(zone):
            return view(request)

    return door


def _find_hold_end(request: AskRequest, question: Question, now: datetime) -> datetime | None:
    """By the line whose texts brought them here: the one that is asked, or the one they signed in by.

    And by what that line is to a child's that is asked, if one of the two has only just come to the other.
    """
    line = question.answering
    if request.person is not None:
        line = accounts.queries.list_visible_lines(user=request.person, at=now)[0].line
    if line is None or question.line is None:
        return None
    ends = [accounts.queries.get_hold_end_between(own=line, line=question.line, at=now)]
    if line.pk != question.line.pk:
        ends.append(delegations.get_relation_hold_end(own=line, line=question.line, at=now))
    return max((end for end in ends if end is not None), default=None)


def render_closed(request: HttpRequest) -> HttpResponse:
    """The page of every link that opens no question, whatever the reason."""
    return render(request, "ask/closed.html", status=404)


def _find_subscriber(request: HttpRequest) -> User | None:
    """The subscriber who is here and has proved more than a texted code."""
    user = request.user
    if not isinstance(user, User) or user.role != User.Role.SUBSCRIBER or sessions.next_proof(request, user=user):
        return None
    return user


def _identify(request: AskRequest, now: datetime) -> bool:
    """Note whether somebody is here who may answer. Returns whether the question may be shown to whoever is here.

    What is asked about a child's line is the child's: that its account holder read it stands in the child's log.
    """
    if _has_proved_it_by_code(request, request.question, request.question.token, now):
        request.person, request.may_answer = None, True
        return True
    line = _find_line(request.person, request.question) if request.person else None
    request.may_answer = line is not None
    if line is not None and not _is_closed(request, request.question, now):
        record_view(request, line=line)
    return line is not None or request.person is None


def _find_line(person: User, question: Question) -> PersonsLine | None:
    """The line that is asked about, as this person has it; None where they may not allow on it."""
    lines = accounts.queries.list_visible_lines(user=person, at=timezone.now())
    asked = question.line
    return next((one for one in lines if asked is not None and one.line.pk == asked.pk and one.may_allow), None)


def _has_proved_it_by_code(request: AskRequest, question: Question, token: str, now: datetime) -> bool:
    proved = sessions.proved_line(request, door=DOOR, about=token, at=now)
    return proved is not None and question.answering is not None and proved.line_id == question.answering.pk


def _is_closed(request: AskRequest, question: Question, now: datetime) -> bool:
    """Whether there is no answer to give any more; whoever may not answer does not learn that of a partner's link."""
    return (request.may_answer or question.texted) and not may_be_answered(question=question, at=now)


def _state_of(request: AskRequest, question: Question) -> str:
    """The state whose time is shown, to nobody but who may answer; everyone else reads universal time."""
    return question.answering.state if request.may_answer and question.answering else ""
