"""What people answer to a company's question."""

from datetime import datetime

from django.db import transaction

from accounts.actions import codes
from accounts.actions.people import person_behind
from accounts.models import TextedCode, User
from consent.actions.choices import RecordedChoice, allow, refuse, retry_on_conflict
from consent.domain import messages
from consent.domain.consent_requests import AT_MOST, MONTH, Question, may_be_answered
from consent.domain.notices import DisplayedNotice
from consent.domain.snapshots import lock_line
from consent.models import ConsentRequest
from consent.queries.receipts import token_hash

CHANNEL = "ask"


class NotOpen(Exception):
    """The question is answered, has ended, or something was said since that closes it."""


def text_code(*, question: Question, asker: str, network: str = "", at: datetime) -> None:
    """Text a code to the phone that may answer this question, or do nothing, and tell nobody which.

    `asker`: the browser session. Nothing goes to whoever may not be asked. A question that a partner shows counts from
    its first code as one that its line was texted: no more than two in a month over all partners, those that were
    answered aside.
    """
    if _may_be_texted(question, at):
        codes.text_code(msisdn=question.msisdn, purpose=TextedCode.Purpose.ASK, asker=asker, network=network, at=at)


@transaction.atomic
def _may_be_texted(question: Question, at: datetime) -> bool:
    if question.line is None:
        return False
    lock_line(line_id=question.line.pk)
    if not may_be_answered(question=question, at=at):
        return False
    texted = ConsentRequest.objects.filter(line_id=question.line.pk, texted_at__gt=at - MONTH)
    if not texted.filter(id=question.id).exists():
        if texted.filter(answer="").count() >= AT_MOST:
            return False
        ConsentRequest.objects.filter(line_id=question.line.pk, id=question.id).update(texted_at=at)
    return True


@retry_on_conflict
@transaction.atomic
def say_yes(*, question: Question, user: User | None, notice: DisplayedNotice, at: datetime) -> RecordedChoice:
    """Allow what was asked, from now on. `user` None: whoever has the answering line's phone, by its code.

    Raises NotOpen, NotAllowable, and NoticeChanged where a company has joined since the notice was read.
    """
    line_id = _lock_question(question, at)
    recorded = allow(
        line_id=line_id,
        campaign=question.campaign.ref,
        until=question.until,
        actor=_actor(question, user, at),
        channel=CHANNEL,
        notice=notice,
    )
    _close(question, ConsentRequest.Answer.YES, recorded)
    _confirm(question, user, ConsentRequest.Answer.YES, at)
    return recorded


@retry_on_conflict
@transaction.atomic
def say_no(*, question: Question, user: User | None, notice: DisplayedNotice | None, at: datetime) -> RecordedChoice:
    """Refuse what was asked. Nobody asks this line for 12 months. Raises NotOpen."""
    line_id = _lock_question(question, at)
    recorded = refuse(
        line_id=line_id,
        campaign=question.campaign.ref,
        actor=_actor(question, user, at),
        channel=CHANNEL,
        notice=notice,
    )
    _close(question, ConsentRequest.Answer.NO, recorded)
    _confirm(question, user, ConsentRequest.Answer.NO, at)
    return recorded


def _lock_question(question: Question, at: datetime) -> int:
    """Lock the line, and look once more whether the question is open. Returns the line."""
    if question.line is None:
        raise NotOpen
    lock_line(line_id=question.line.pk)
    now_open = ConsentRequest.objects.filter(
        line_id=question.line.pk, id=question.id, answer="", expires_at__gt=at
    ).exists()
    if not now_open or not may_be_answered(question=question, at=at):
        raise NotOpen
    return question.line.pk


def _actor(question: Question, user: User | None, at: datetime) -> str:
    if question.answering is None:
        raise NotOpen
    person = user or person_behind(line=question.answering, at=at)
    return f"subscriber:{person.pk}"


def _close(question: Question, answer: ConsentRequest.Answer, recorded: RecordedChoice) -> None:
    ConsentRequest.objects.filter(token_hash=token_hash(token=question.token)).update(
        answer=answer, answered_at=recorded.made_at, choice_id=recorded.choice_id
    )


def _confirm(question: Question, user: User | None, answer: ConsentRequest.Answer, at: datetime) -> None:
    """What a texted code alone said is told to the phone that it came to."""
    if user is None and question.answering is not None:
        messages.confirm_answer(line_id=question.answering.pk, answer=answer, at=at)
