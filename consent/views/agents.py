"""The person's side of an agent's request: the page behind the link in their text, and one that says where that is."""

import uuid
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.domain import sessions
from consent.actions.agents import NotOpenRequest, answer_request
from consent.domain import agents, notices


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
