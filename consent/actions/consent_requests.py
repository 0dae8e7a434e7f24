"""A company's question: a partner asks how a number stands and for a link, and the person behind it answers."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

import audit.actions
from accounts.actions import codes
from accounts.actions.people import get_or_create_person
from accounts.models import Line, TextedCode, User
from accounts.primitives.sealing import token_hash
from consent.actions.choices import RecordedChoice, allow, refuse
from consent.domain import change_notices, consent_requests
from consent.domain.conflicts import retry_on_conflict
from consent.domain.consent_requests import (
    AT_MOST,
    LASTS,
    MONTH,
    Question,
    Status,
    may_be_answered,
    open_campaigns,
    seconds_to_wait,
    subject_of,
    token_of,
)
from consent.domain.notices import DisplayedNotice
from consent.domain.snapshots import lock_line, lock_terms
from consent.models import ConsentRequest
from partners.clients import http
from partners.labels import party_name
from partners.models import Campaign, Party
from partners.policies.identifiers import hosts_of

CHANNEL = "ask"
# What a link that is given once more is still good for, at least.
A_WHILE = timedelta(days=1)


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


def verify_code(*, question: Question, asker: str, typed: str, at: datetime) -> Line | None:
    """Return the line that the texted code proves, or None for a wrong one; never says which of its checks failed."""
    line = codes.verify_code(msisdn=question.msisdn, purpose=TextedCode.Purpose.ASK, asker=asker, typed=typed, at=at)
    if line is not None:
        _record_code_view(question, at)
    return line


def _record_code_view(question: Question, at: datetime) -> None:
    """Write into a child's log that its account holder has proved their own phone, to read what is asked of the child.

    Of who was signed in each look is written down as one at the child's pages (`accounts.views.looks`).
    """
    if question.for_a_child and question.line is not None and question.answering is not None:
        person = get_or_create_person(line=question.answering, at=at)
        audit.actions.record(
            action="holder.looked", actor=f"holder:{person.pk}", target=f"line:{question.line.pk}",
            line_id=question.line.pk, at=at,
        )  # fmt: skip


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
def approve_request(*, question: Question, user: User | None, notice: DisplayedNotice, at: datetime) -> RecordedChoice:
    """Allow what was asked, from now on. `user` None: whoever has the answering line's phone, by its code.

    Raises NotOpen, NotAllowable, and NoticeChanged where a company has joined since the notice was read.
    """
    # Before the line's turn, as `allow` does.
    lock_terms(campaigns=[question.campaign.ref])
    line_id = _lock_question(question, at)
    person = _get_person(question, user, at)
    recorded = allow(
        line_id=line_id,
        campaign=question.campaign.ref,
        until=question.until,
        actor=f"subscriber:{person.pk}",
        channel=CHANNEL,
        notice=notice,
        person=person,
    )
    _close(question, ConsentRequest.Answer.YES, recorded)
    _confirm(question, user, at)
    return recorded


@retry_on_conflict
@transaction.atomic
def refuse_request(
    *, question: Question, user: User | None, notice: DisplayedNotice | None, at: datetime
) -> RecordedChoice:
    """Refuse what was asked. Nobody asks this line for 12 months. Raises NotOpen."""
    line_id = _lock_question(question, at)
    recorded = refuse(
        line_id=line_id,
        campaign=question.campaign.ref,
        actor=f"subscriber:{_get_person(question, user, at).pk}",
        channel=CHANNEL,
        notice=notice,
    )
    _close(question, ConsentRequest.Answer.NO, recorded)
    _confirm(question, user, at)
    return recorded


def _lock_question(question: Question, at: datetime) -> int:
    """Lock the line, and look once more whether the question is open. Returns the line."""
    if question.line is None:
        raise NotOpen
    lock_line(line_id=question.line.pk)
    now = consent_requests.find_linked_question(token=question.token, at=at)
    if now is None or now.answering != question.answering or not may_be_answered(question=now, at=at):
        raise NotOpen
    return question.line.pk


def _get_person(question: Question, user: User | None, at: datetime) -> User:
    if question.answering is None:
        raise NotOpen
    return user or get_or_create_person(line=question.answering, at=at)


def _close(question: Question, answer: ConsentRequest.Answer, recorded: RecordedChoice) -> None:
    ConsentRequest.objects.filter(token_hash=token_hash(token=question.token)).update(
        answer=answer, answered_at=recorded.made_at, choice_id=recorded.choice_id
    )


def _confirm(question: Question, user: User | None, at: datetime) -> None:
    """What a texted code alone said is told to the phone that it came to."""
    if user is None and question.answering is not None:
        change_notices.confirm_answer(line_id=question.answering.pk, at=at)


class TooManyQuestions(Exception):
    """This client asked too often, or too often about this number."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class NotOffered(Exception):
    """This partner has no campaign in force for a scope and the purpose."""


class UnlistedReturnAddress(Exception):
    """The address to go back to is not one that the agreement names."""


class StatusRateLimited(Exception):
    """The partner was told of a no within 12 months, or was given as many links for this number as a month may have."""


@dataclass(frozen=True)
class RetrievedStatus:
    """How a number stands, by scope as asked; `token`: of the link where its person may say yes, "" for none."""

    by_scope: Sequence[tuple[str, Status]]
    token: str


def retrieve_status(
    *,
    client_id: str,
    party_id: int,
    msisdn: str,
    scopes: Sequence[str],
    purpose: str,
    campaign: str,
    capture: bool,
    callback: str,
    at: datetime,
) -> RetrievedStatus:
    """Say how a number stands to a partner's campaigns of these scopes and this purpose (`campaign` alone, if named).

    `capture`: and a link to the first question still open, which leads back to `callback`. The same for every number:
    one that is not ours has a link as well, which nobody can answer. Raises TooManyQuestions, NotOffered,
    UnlistedReturnAddress, and StatusRateLimited, which looks at nothing but what the partner itself did and was told.
    """
    if seconds := seconds_to_wait(client_id=client_id, msisdn=msisdn):
        raise TooManyQuestions(seconds)
    offered = _list_offered_campaigns(party_id, scopes, purpose, campaign, at)
    if {one.scope for one in offered} != set(scopes):
        raise NotOffered
    if callback and any(http.find_url_refusal(url=callback, hosts=hosts_of(one.contract)) for one in offered):
        raise UnlistedReturnAddress
    subject = subject_of(msisdn=msisdn, at=at)
    # By itself: what is refused below was asked all the same.
    _record_status_question(subject, offered[0].contract.aggregator, client_id, at)
    return _build_retrieved_status(msisdn, subject, scopes, offered, callback if capture else None, at)


def _list_offered_campaigns(
    party_id: int, scopes: Sequence[str], purpose: str, ref: str, at: datetime
) -> list[Campaign]:
    campaigns = Campaign.objects.filter(contract__aggregator_id=party_id, purpose=purpose, scope__in=scopes)
    if ref:
        campaigns = campaigns.filter(ref=ref)
    found = list(campaigns.select_related("contract__aggregator", "lbs_provider").order_by("ref"))
    open_ones = open_campaigns(refs=[one.ref for one in found], at=at)
    return [one for one in found if one.ref in open_ones]


@transaction.atomic
def _build_retrieved_status(
    msisdn: str, subject: int, scopes: Sequence[str], offered: Sequence[Campaign], callback: str | None, at: datetime
) -> RetrievedStatus:
    found = consent_requests.statuses(msisdn=msisdn, subject=subject, campaigns=offered, at=at)
    by_scope = _by_scope(found, scopes, offered)
    wanted = _campaign_to_ask(by_scope)
    if callback is None or not wanted:
        return RetrievedStatus(by_scope, "")
    if any(told.quiet for _, told in by_scope):
        raise StatusRateLimited
    campaign = next(one for one in offered if one.ref == wanted)
    return RetrievedStatus(by_scope, token_of(ask_id=_shown_by_a_partner(subject, campaign, callback, at)))


def _campaign_to_ask(by_scope: Sequence[tuple[str, Status]]) -> str:
    # Where a no is what is told, no link follows that would say that one of its campaigns may still be asked about.
    return next((told.campaign for _, told in by_scope if told.campaign), "")


def _by_scope(found: Sequence[Status], scopes: Sequence[str], offered: Sequence[Campaign]) -> list[tuple[str, Status]]:
    """Each scope with how its campaigns stand as one."""
    scope_of = {one.ref: one.scope for one in offered}
    return [
        (scope, consent_requests.combine_statuses(statuses=[one for one in found if scope_of[one.campaign] == scope]))
        for scope in dict.fromkeys(scopes)
    ]


def _record_status_question(subject: int, partner: Party, client_id: str, at: datetime) -> None:
    """Who asks how somebody stands stands in that person's log, once a day."""
    audit.actions.record_daily(
        action="partner.asked", actor=f"partner:{partner.pk}", target=f"party:{partner.pk}", line_id=subject, at=at,
        detail={"company": party_name(partner.name, partner.uri)} | audit.actions.name_client(client_id),
    )  # fmt: skip


def _shown_by_a_partner(subject: int, campaign: Campaign, callback: str, at: datetime) -> uuid.UUID:
    """The question's id: the one still there that leads back to the same place, else a new one.

    Raises StatusRateLimited.
    """
    with connection.cursor() as cursor:
        # A stranger has no line to be locked.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"question {subject}"])
    shown = ConsentRequest.objects.filter(
        line_id=subject, party_id=campaign.contract.aggregator_id, approval_id__isnull=True
    )
    known = shown.filter(campaign=campaign.ref, callback=callback, expires_at__gt=at + A_WHILE)
    ask_id = known.order_by("asked_at").values_list("id", flat=True).first()
    if ask_id is not None:
        return ask_id
    # Of the answers it hears of a yes alone: a no must not be seen in how many links it is given.
    if shown.filter(asked_at__gt=at - MONTH).exclude(answer=ConsentRequest.Answer.YES).count() >= AT_MOST:
        raise StatusRateLimited
    ask_id = uuid.uuid4()
    ConsentRequest.objects.create(
        line_id=subject,
        id=ask_id,
        token_hash=token_hash(token=token_of(ask_id=ask_id)),
        campaign=campaign.ref,
        party_id=campaign.contract.aggregator_id,
        asked_at=at,
        expires_at=at + LASTS,
        callback=callback,
    )
    return ask_id
