"""Stop by the phone alone, by a texted code or by texting STOP LOCATION; and by a password after a line's end.

What a phone texts about texts is about texts alone.
"""

import secrets
import uuid
from datetime import datetime, timedelta

from django.db import connection, transaction

import accounts.queries
from accounts.actions.codes import BY_TEXT, text_code, verify_code
from accounts.actions.incoming_texts import allow_texts, claim_text, may_answer, refuse_texts
from accounts.actions.people import find_to_stop_after_end
from accounts.actions.sign_ins import cancel_new_password
from accounts.models import Line, TextedCode
from accounts.policies.permissions import Action, Relation
from accounts.primitives.sealing import token_hash
from audit.queries import database_clock
from consent.actions.choices import deny, stop
from consent.domain import change_notices, order_planning
from consent.domain.change_notices import Answer, TextCommand
from consent.domain.conflicts import retry_on_conflict
from consent.domain.notices import DisplayedNotice
from consent.models import Choice

CHANNEL = "text"
STOP = TextedCode.Purpose.STOP

LINK = "INSERT INTO consent_progresslink (token_hash, line_id, choice_id, expires_at) VALUES (%s, %s, %s, %s)"
LINK_LASTS = timedelta(days=30)


class NumberMoved(Exception):
    """The number is another line's since it was looked up: whose phone this is must be found out anew."""


def handle_text(
    *, text_id: str, msisdn: str, wish: TextCommand, code: str = "", on_network: bool, at: datetime
) -> None:
    """Act on a text once, and answer it; a number that is no line of ours is neither told anything nor told apart.

    Who sent a text is certain on our own network alone (`on_network`). From elsewhere nothing is stopped but with a
    code, which goes to the line and comes back by text. Call outside a transaction.
    """
    line = accounts.queries.line_of_number(msisdn=msisdn, at=at)
    try:
        wants_code = _handle_new_text(text_id, line, msisdn, wish, code, at, on_network=on_network)
    except NumberMoved:
        now = database_clock()
        line = accounts.queries.line_of_number(msisdn=msisdn, at=now)
        wants_code = _handle_new_text(text_id, line, msisdn, wish, code, now, on_network=on_network)
    if wants_code:
        text_code(msisdn=msisdn, purpose=STOP, asker=BY_TEXT, at=at)


@retry_on_conflict
@transaction.atomic
def _handle_new_text(
    text_id: str, line: Line | None, msisdn: str, wish: TextCommand, code: str, at: datetime, *, on_network: bool
) -> bool:
    """Act on it, if it is new. Returns whether a code must go out before anything is stopped."""
    if not claim_text(text_id=text_id, at=at) or line is None:
        return False
    if wish == TextCommand.STOP_LOCATION:
        return not _stop_if_proved(line, msisdn, code, at, on_network=on_network)
    if not (wish == TextCommand.NO and on_network and _keeps_password(line, at)):
        _about_texts(wish, line, at, on_network=on_network)
    return False


def _stop_if_proved(line: Line, msisdn: str, code: str, at: datetime, *, on_network: bool) -> bool:
    """Stop everything where our own network or a code says that it is this phone. Returns whether that was so."""
    proved = on_network or (bool(code) and _is_its_code(msisdn, code, at))
    if proved:
        made = stop(line_id=line.pk, scope=Choice.Scope.ALL, actor=f"line:{line.pk}", channel=CHANNEL)
        _refuse_moved(msisdn, line.pk, max(at, made.made_at))
        change_notices.answer_stop(line_id=line.pk, at=at)
    return proved


def _about_texts(wish: TextCommand, line: Line, at: datetime, *, on_network: bool) -> None:
    answer = Answer.HELP
    if wish == TextCommand.TEXTS_OFF and not on_network and not may_answer(line_id=line.pk, at=at):
        return  # the answer is what betrays a sender that was made up: without it nothing is turned off
    if wish == TextCommand.TEXTS_OFF:
        refuse_texts(line_id=line.pk, at=at)
        answer = Answer.OFF
    elif wish == TextCommand.TEXTS_ON:
        allow_texts(line_id=line.pk, at=at)
        answer = Answer.ON
    change_notices.answer_text(line_id=line.pk, answer=answer, at=at)


def _keeps_password(line: Line, at: datetime) -> bool:
    """NO is said of a new password that somebody asked for."""
    user = accounts.queries.user_of_line(line_id=line.pk)
    return user is not None and cancel_new_password(user_id=user.pk, at=at)


def _is_its_code(msisdn: str, code: str, at: datetime) -> bool:
    asker = BY_TEXT
    return verify_code(msisdn=msisdn, purpose=STOP, asker=asker, typed=code, at=at) is not None


@retry_on_conflict
@transaction.atomic
def stop_all_by_line(*, line_id: int, msisdn: str = "", notice: DisplayedNotice | None = None, at: datetime) -> str:
    """Stop everything for a line that was proved by code. Returns the token of the link that shows how far it is.

    Pressed again, in another tab say, it is the same stop, with one receipt and one text. `msisdn`: the number that the
    page names, if it does: raises NumberMoved, and stops nothing, where it is another line's by now.

    `notice`: what was read before. The text waits in the same transaction: no gateway that is down loses it.
    """
    choice = Choice(
        kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.ALL, actor=f"line:{line_id}", channel="stop_page"
    )
    recorded = deny(choice=choice, duties=order_planning.STOP_DUTIES, by="user", notice=notice)
    _refuse_moved(msisdn, line_id, max(at, recorded.made_at))
    token = _open_link(line_id=line_id, choice_id=recorded.choice_id, at=at)
    if not recorded.repeated:
        change_notices.confirm_stop(line_id=line_id, at=at, known=recorded.line)
    return token


def _refuse_moved(msisdn: str, line_id: int, at: datetime) -> None:
    """Look once more, now that the line is locked."""
    line = accounts.queries.line_of_number(msisdn=msisdn, at=at) if msisdn else None
    if line is not None and line.pk != line_id:
        raise NumberMoved


def stop_after_end(*, msisdn: str, password: str, at: datetime) -> None:
    """Stop everything for the line that somebody had by this number until it ended, if this is their password.

    Whether it is, nothing here tells: whoever guesses learns no password that opens what there is to read. Call outside
    a transaction.
    """
    user = find_to_stop_after_end(msisdn=msisdn, password=password)
    if user is None:
        return
    for line in accounts.queries.list_lines_of_person(user=user, at=at):
        if line.relation == Relation.EX_USER and line.may(Action.STOP):
            stop(line_id=line.line.pk, scope=Choice.Scope.ALL, actor=f"subscriber:{user.pk}", channel="web")


def _open_link(*, line_id: int, choice_id: uuid.UUID, at: datetime) -> str:
    token = secrets.token_urlsafe(24)
    with connection.cursor() as cursor:
        cursor.execute(LINK, [token_hash(token=token), line_id, choice_id, at + LINK_LASTS])
    return token
