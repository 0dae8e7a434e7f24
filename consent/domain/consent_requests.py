"""Decide when a company may ask a line's person, open a question's link, and say where a number stands (CAMARA).

A line is asked only where nothing but its yes is missing, and never soon after a no.

A partner is told no more than it may know, in the words of CAMARA Consent Info. A number that is no line of ours, one
that the partner never dealt with and one that was stopped before it did are all the same: nothing is known of a yes.
Each is read by the same statements.
"""

import hashlib
import hmac
import re
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from django.core.cache import cache
from django.db import connection

import accounts.queries
from accounts.models import Line
from accounts.primitives.sealing import derived_secret, make_placeholder_id, number_hash, token_hash
from consent.gate import deciding
from consent.gate.deciding import RESTORING
from consent.gate.shapes import Answer, as_agreed
from consent.models import Approval, Choice, ConsentRequest
from consent.queries.approvals import STANDS
from partners.labels import party_name, precision_in_words, purpose_in_words, sanitise_text
from partners.models import Campaign
from partners.policies.identifiers import host_of

LASTS = timedelta(days=7)
TOKEN_BYTES = 24
# No line has this id.
NO_LINE = 0
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# (how many, in how many seconds)
PER_CLIENT = (1200, 60)
PER_NUMBER = (20, 3600)

# Twelve months, the longest they can be.
QUIET = timedelta(days=366)
MONTH = timedelta(days=31)
AT_MOST = 2
ONLY_A_YES_IS_MISSING = frozenset({"no_approval", "approval_unverified", "approval_expired"})
NOS = (Choice.Kind.STOP, Choice.Kind.REFUSE)

# What the gate would say of a campaign whatever the line is.
OPEN = """
SELECT c.ref FROM partners_campaign c JOIN partners_contract k ON k.id = c.contract_id
WHERE c.ref = ANY (%(refs)s) AND NOT c.is_draft AND NOT k.is_draft
    AND c.starts_at <= %(at)s AND %(at)s < c.ends_at AND k.starts_at <= %(at)s AND %(at)s < k.ends_at
    AND NOT EXISTS (
        SELECT FROM partners_suspension s
        WHERE s.starts_at <= %(at)s AND (s.ends_at IS NULL OR %(at)s < s.ends_at) AND (
            s.of = 'campaign' AND s.target_id = c.id
            OR s.of = 'contract' AND s.target_id = k.id
            OR s.of = 'party' AND (
                s.target_id IN (k.aggregator_id, c.lbs_provider_id)
                OR NOT c.names_recipient AND s.target_id IN (
                    SELECT r.party_id FROM partners_reach r WHERE r.campaign_id = c.id))))
"""


@dataclass(frozen=True)
class Case:
    """One line and one campaign (its id)."""

    line_id: int
    campaign: str


def open_campaigns(*, refs: Collection[str], at: datetime) -> set[str]:
    """List those of these campaigns that are in force under a contract in force, with nobody on their way suspended."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"refs": list(refs), "at": at})
        return {ref for (ref,) in cursor.fetchall()}


def list_askable(*, cases: Sequence[Case], at: datetime) -> list[bool]:
    """Say for each case whether this line may be asked about this campaign now, by its state and its history.

    It may where the gate misses nothing but a yes, where nothing was refused or stopped for 12 months, whatever it was
    about, and where there is somebody who may answer: for a child's line, its account's holder. How often a line was
    asked is not looked at.
    """
    lines = Line.objects.in_bulk({case.line_id for case in cases})
    campaigns = _campaigns({case.campaign for case in cases})
    missing = _lacks_only_approval(cases, lines, campaigns, at)
    return [
        n in missing and accounts.queries.answering_line(line=lines[case.line_id], at=at) is not None
        for n, case in enumerate(cases)
    ]


def _lacks_only_approval(
    cases: Sequence[Case], lines: Mapping[int, Line], campaigns: Mapping[str, Campaign], at: datetime
) -> set[int]:
    """The cases where nothing was refused or stopped lately, and where the gate misses nothing but a yes."""
    said_no = set(
        Choice.objects.filter(line_id__in=lines, kind__in=NOS, made_at__gt=at - QUIET).values_list("line_id", flat=True)
    )
    asked = [n for n, case in enumerate(cases) if case.line_id in lines.keys() - said_no and case.campaign in campaigns]
    answers = deciding.evaluate(
        questions=[
            as_agreed(campaign=campaigns[cases[n].campaign], line=lines[cases[n].line_id].carrier_id) for n in asked
        ]
    )
    return {n for n, answer in zip(asked, answers, strict=True) if answer.reason in ONLY_A_YES_IS_MISSING}


def _campaigns(refs: Collection[str]) -> dict[str, Campaign]:
    found = Campaign.objects.filter(ref__in=refs).select_related("contract__aggregator", "lbs_provider")
    return {campaign.ref: campaign for campaign in found}


def seconds_to_wait(*, client_id: str, msisdn: str) -> int:
    """Count one more question of this client about this number. Returns 0, or how long it must wait.

    Counted per client: what one partner does says nothing to another. With Redis away all may pass.
    """
    limits = (
        (f"consent-info:{client_id}", PER_CLIENT),
        (f"consent-info:{client_id}:{number_hash(msisdn).hex()}", PER_NUMBER),
    )
    return max(span if _count(key, span) > most else 0 for key, (most, span) in limits)


def _count(key: str, span: int) -> int:
    cache.add(key, 0, timeout=span)
    try:
        return cache.incr(key)
    except ValueError:  # it ended between the two
        return 1


@dataclass(frozen=True)
class Question:
    """A question as its page shows it, and whom it is put to: `line` None stands for a number that is not ours.

    `answering` is the line whose phone may answer; for a child's line, the account holder's. `texted`: we asked it,
    because of a claim, whose words are `wording`; else a partner shows the link by itself. `since`: when that was.
    """

    id: uuid.UUID
    token: str
    line: Line | None
    answering: Line | None
    msisdn: str
    campaign: Campaign
    until: datetime | None
    texted: bool
    since: datetime
    answered: bool
    callback: str
    wording: str
    language: str

    @property
    def provider(self) -> str:
        """The company that would get the location."""
        return party_name(self.campaign.lbs_provider.name, self.campaign.lbs_provider.uri)

    @property
    def aggregator(self) -> str:
        """The company in between."""
        between = self.campaign.contract.aggregator
        return party_name(between.name, between.uri)

    @property
    def language_tag(self) -> str:
        """The wording's language, where what was reported is a language tag."""
        return self.language if LANGUAGE_TAG.fullmatch(self.language) else ""

    @property
    def why(self) -> str:
        """The purpose in words."""
        return purpose_in_words(self.campaign.purpose)

    @property
    def description(self) -> str:
        """The campaign in its company's own words."""
        return sanitise_text(self.campaign.description)

    @property
    def precision(self) -> str:
        """How exact, in words."""
        return precision_in_words(self.campaign.precision_m)

    @property
    def ends_at(self) -> datetime:
        """When a yes would end at the latest."""
        agreed = (self.campaign.ends_at, self.campaign.contract.ends_at)
        return min((self.until, *agreed) if self.until else agreed)

    @property
    def for_a_child(self) -> bool:
        """Whether the account holder answers for another's phone."""
        return self.line is not None and self.answering is not None and self.line.pk != self.answering.pk


@dataclass(frozen=True)
class AnsweredRequest:
    """An answer as the page after it tells it. `back_to`: the host to which `callback` leads, if there is one."""

    answer: str
    provider: str
    callback: str
    back_to: str


def token_of(*, ask_id: uuid.UUID) -> str:
    """Make the token of a question's link from its id, by a key: it is sent long after and kept nowhere."""
    mac = hmac.digest(derived_secret("ask-token"), ask_id.bytes, hashlib.sha256)
    return urlsafe_b64encode(mac[:TOKEN_BYTES]).decode()


def get_answer(*, token: str) -> AnsweredRequest | None:
    """Return what was answered under a link, for whoever answered it; None where nothing was, or a yes is over."""
    ask = ConsentRequest.objects.filter(token_hash=token_hash(token=token)).exclude(answer="").first()
    if ask is None:
        return None
    campaign = Campaign.objects.select_related("lbs_provider", "contract__aggregator").get(ref=ask.campaign)
    provider = campaign.lbs_provider
    if ask.answer == ConsentRequest.Answer.YES and not _is_allowed(campaign, ask.line_id):
        return None
    return AnsweredRequest(
        answer=ask.answer,
        provider=party_name(provider.name, provider.uri),
        callback=ask.callback,
        back_to=host_of(ask.callback),
    )


def _is_allowed(campaign: Campaign, line_id: int) -> bool:
    line = Line.objects.values_list("carrier_id", flat=True).get(pk=line_id)
    (answer,) = deciding.evaluate(questions=[as_agreed(campaign=campaign, line=line)])
    return answer.allowed


def find_linked_question(*, token: str, at: datetime) -> Question | None:
    """Return the question behind a link; None for no such link, after its 7 days, or where its campaign is closed.

    One that was texted is None once it is answered. One that a partner shows stays as it is until it ends: whoever
    looks at it without being its person must not see in it that somebody answered, nor whether the number is ours.
    """
    ask = _open_ask(token, at)
    if ask is None:
        return None
    line = Line.objects.filter(pk=ask.line_id).first()
    # Of a number that is not ours the same is looked for, and not found: the time must not tell which it is.
    answering = accounts.queries.answering_line(line=line or Line(pk=ask.line_id), at=at)
    claim = Approval.objects.filter(STANDS, pk=(ask.line_id, ask.approval_id)).first() if ask.approval_id else None
    if ask.approval_id and claim is None:
        return None  # set aside: it was about somebody else
    wording, language = (sanitise_text(claim.wording), sanitise_text(claim.language, at_most=40)) if claim else ("", "")
    return Question(
        id=ask.id,
        token=token,
        line=line,
        answering=answering,
        msisdn=_number_of(answering, at),
        campaign=Campaign.objects.select_related("contract__aggregator", "lbs_provider").get(ref=ask.campaign),
        until=ask.until,
        texted=ask.approval_id is not None,
        since=claim.captured_at if claim else ask.asked_at,
        answered=bool(ask.answer),
        callback=ask.callback,
        wording=wording,
        language=language,
    )


def _open_ask(token: str, at: datetime) -> ConsentRequest | None:
    ask = ConsentRequest.objects.filter(token_hash=token_hash(token=token), expires_at__gt=at).first()
    if ask is None or (ask.approval_id and ask.answer) or not open_campaigns(refs=[ask.campaign], at=at):
        return None
    return ask


def _number_of(line: Line | None, at: datetime) -> str:
    return accounts.queries.find_number(line_id=line.pk if line else NO_LINE, at=at)


def may_be_answered(*, question: Question, at: datetime) -> bool:
    """Return whether its person may still answer: not answered, not ended, and nothing said since that closes it."""
    line = question.line
    if question.answered or line is None or (question.until is not None and question.until <= at):
        return False
    # What was claimed or asked under another number ended with that number.
    if line.number_changed_at is not None and question.since <= line.number_changed_at:
        return False
    return list_askable(cases=[Case(line.pk, question.campaign.ref)], at=at)[0]


type Reason = Literal["PENDING", "REQUESTED", "DENIED", "EXPIRED"]

# `met`: when the partner first dealt with this line under this agreement and under its present number. A no is told to
# it only if it came after that and an order told of it; how lately, by that order: of a no that came later and changed
# nothing for the partner it was not told. An agreement that a change of number ended is unknown to it.
KNOWN = """
SELECT c.ref,
    EXISTS (
        SELECT FROM consent_choice h
            JOIN consent_choiceorder o ON o.line_id = h.line_id AND o.choice_id = h.id
        WHERE h.line_id = %(line)s AND h.kind IN ('stop', 'pause', 'refuse')
            AND o.contract_id = c.contract_id AND h.recorded_at >= met.at),
    EXISTS (
        SELECT FROM consent_choice h
            JOIN consent_choiceorder o ON o.line_id = h.line_id AND o.choice_id = h.id
            JOIN revocations_order lately ON lately.line_id = o.line_id AND lately.id = o.order_id
        WHERE h.line_id = %(line)s AND h.kind IN ('stop', 'refuse')
            AND o.contract_id = c.contract_id AND h.recorded_at >= met.at AND lately.queued_at > %(quiet_since)s),
    EXISTS (
        SELECT FROM consent_ask q
        WHERE q.line_id = %(line)s AND q.campaign = c.ref AND q.approval_id IS NULL AND q.expires_at > %(at)s),
    (SELECT max(yes.ends_at) FROM (
        SELECT a.id, a.expires_at AS ends_at FROM consent_approval a
            WHERE a.line_id = %(line)s AND a.campaign = c.ref AND a.verified_by = 'carrier'
                AND a.captured_at > number.since
        UNION ALL
        SELECT h.id, h.until FROM consent_choice h
            WHERE h.line_id = %(line)s AND h.kind = 'allow' AND h.ref = c.ref AND h.made_at > number.since
    ) yes WHERE yes.ends_at <= %(at)s
        AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = %(line)s AND x.yes_id = yes.id))
FROM partners_campaign c
    JOIN partners_contract k ON k.id = c.contract_id
    CROSS JOIN LATERAL (
        SELECT coalesce(max(l.number_changed_at), '-infinity') AS since FROM accounts_line l WHERE l.id = %(line)s
    ) number
    CROSS JOIN LATERAL (
        SELECT min(deal.at) AS at FROM (
            SELECT a.recorded_at AS at FROM consent_approval a JOIN partners_campaign other ON other.ref = a.campaign
                WHERE a.line_id = %(line)s AND other.contract_id = k.id AND a.captured_at > number.since
            UNION ALL
            SELECT h.recorded_at FROM consent_choice h JOIN partners_campaign other ON other.ref = h.ref
                WHERE h.line_id = %(line)s AND h.kind = 'allow' AND other.contract_id = k.id
                    AND h.made_at > number.since
            UNION ALL
            SELECT d.last_at FROM partners_dealing d
                WHERE d.line_id = %(line)s AND d.aggregator_id = k.aggregator_id AND d.last_at > number.since
        ) deal
    ) met
WHERE c.id = ANY (%(campaigns)s)
"""


@dataclass(frozen=True)
class Status:
    """Whether a use is allowed now, and if not, why as far as its partner may know.

    `expires_at`: when it will end by itself or (EXPIRED) ended. `quiet`: its partner was told of a no lately, so that
    nobody is asked.
    """

    campaign: str
    valid: bool
    reason: Reason | None = None
    expires_at: datetime | None = None
    quiet: bool = False

    @property
    def wants_a_yes(self) -> bool:
        """Whether the person may be shown the question."""
        return self.reason in {"PENDING", "REQUESTED", "EXPIRED"}


# Of several reasons the one that is told.
WEIGHTIEST_FIRST: Sequence[Reason] = ("DENIED", "EXPIRED", "REQUESTED", "PENDING")


class _RequestFacts(NamedTuple):
    told: bool
    quiet: bool
    requested: bool
    ended_at: datetime | None


def subject_of(*, msisdn: str, at: datetime) -> int:
    """Return the line that has this number now; for a number that is not ours, its stand-in (below zero)."""
    line = accounts.queries.line_of_number(msisdn=msisdn, at=at)
    return line.pk if line else make_placeholder_id(msisdn)


def statuses(*, msisdn: str, subject: int, campaigns: Sequence[Campaign], at: datetime) -> list[Status]:
    """Return how a number stands to each of these campaigns of one partner, by the gate's own answers.

    Two statements.
    """
    asked = [as_agreed(campaign=campaign, msisdn=msisdn) for campaign in campaigns]
    answers = deciding.evaluate(questions=asked, for_release=True)
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"line": subject, "at": at, "campaigns": [campaign.pk for campaign in campaigns],
                               "quiet_since": at - QUIET})  # fmt: skip
        known = {ref: _RequestFacts(*facts) for ref, *facts in cursor.fetchall()}
    return [
        _status(campaign.ref, answer, known[campaign.ref]) for campaign, answer in zip(campaigns, answers, strict=True)
    ]


def combine_statuses(*, statuses: Sequence[Status]) -> Status:
    """Say how campaigns that share a scope stand as one: it may be used only where each of them may.

    `campaign` is then the first whose question is still open, "" for none.
    """
    if all(one.valid for one in statuses):
        return _valid_until_first_end(statuses)
    whole = _get_main_reason(statuses)
    quiet = any(one.quiet for one in statuses)
    still_open = next((one.campaign for one in statuses if one.wants_a_yes), "")
    return replace(whole, campaign=still_open, quiet=quiet) if whole.wants_a_yes else whole


def _valid_until_first_end(statuses: Sequence[Status]) -> Status:
    ends = [one.expires_at for one in statuses if one.expires_at is not None]
    return Status("", valid=True, expires_at=min(ends, default=None))


def _get_main_reason(statuses: Sequence[Status]) -> Status:
    """Why campaigns may not all be used, by the reason that weighs most."""
    reason = next(reason for reason in WEIGHTIEST_FIRST if any(one.reason == reason for one in statuses))
    ended = [one.expires_at for one in statuses if one.reason == reason and one.expires_at is not None]
    return Status("", valid=False, reason=reason, expires_at=max(ended, default=None))


def _is_stopped(answer: Answer) -> bool:
    return answer.reason.startswith("stopped_") or answer.reason == "paused"


def _status(ref: str, answer: Answer, known: _RequestFacts) -> Status:
    if answer.allowed:
        return Status(ref, valid=True, expires_at=answer.expires_at)
    if answer.reason == RESTORING:
        return Status(ref, valid=False, reason="PENDING", quiet=True)
    if known.told and _is_stopped(answer):
        return Status(ref, valid=False, reason="DENIED")
    if known.ended_at is not None and answer.reason == "approval_expired":
        return Status(ref, valid=False, reason="EXPIRED", expires_at=known.ended_at, quiet=known.quiet)
    return Status(ref, valid=False, reason="REQUESTED" if known.requested else "PENDING", quiet=known.quiet)
