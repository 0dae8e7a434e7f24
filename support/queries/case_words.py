"""Where a case stands, in plain words."""

from collections.abc import Iterator

from django.utils.dateformat import format as formatted
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.domain.sentences import join_sentences, sentence
from support.models import Ticket
from support.queries.own_cases import Case

State = Ticket.State


def case_state(*, case: Case) -> SafeString:
    """Say whose turn it is, and by when an answer is due."""
    match case.ticket.state:
        case State.OPEN:
            return join_sentences([sentence(_("We're working on it.")), *_due(case)])
        case State.PARTNER:
            return join_sentences([_waiting_for_company(case), *_due(case)])
        case State.WAITING:
            return sentence(
                _("We're waiting for your reply until %(day)s. You can write after that, too."), day=_day(case)
            )
        case State.SOLVED:
            return sentence(_("We answered."))
        case _:
            return sentence(_("Closed."))


def _waiting_for_company(case: Case) -> SafeString:
    if case.company:
        return sentence(_("We asked <bdi>%(name)s</bdi> and are waiting for its answer."), name=case.company)
    return sentence(_("We asked a company and are waiting for its answer."))


def _due(case: Case) -> Iterator[SafeString]:
    if case.late:
        late = sentence(_("Our answer is late. It was due by %(day)s."), day=_day(case))
        yield format_html('<strong class="bad-word">{}</strong>', late)
    else:
        yield sentence(_("Answer due by %(day)s."), day=_day(case))


def _day(case: Case) -> str:
    return formatted(localtime(case.ticket.due_at, case.zone), pgettext("weekday and day", "D, M j"))
