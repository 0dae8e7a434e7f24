"""The lines a person may know of: where each of theirs stands, and one sentence about another adult's."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

import accounts.queries
from accounts.policies.permissions import Action
from accounts.views.access import SubscriberRequest, line_required
from accounts.views.looks import record_view
from consent.queries.current_consent import sharing


@require_safe
@line_required(Action.KNOW)
def lines(request: SubscriberRequest) -> HttpResponse:
    """Every line, the person's own first. Of another adult's nothing is read that could make two pages differ.

    Where a line stands that is looked after is on its own pages, where its person's log says that somebody looked.
    """
    now = timezone.now()
    for line in request.known:
        if line.may(Action.SEE) and not line.is_delegated:
            record_view(request, line=line)
    rows = [
        (line, sharing(line=line.line, at=now) if line.may(Action.SEE) and not line.is_delegated else None)
        for line in request.known
    ]
    asked = accounts.queries.list_delegation_requests(line=request.known[0], at=now)
    return render(request, "account/lines.html", {"rows": rows, "asked": asked})
