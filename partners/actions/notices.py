"""The officers' wording of what a person reads before a choice."""

import re
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from partners.actions import guards, proposals
from partners.actions.terms import find_start_fault
from partners.models import NoticeText, Proposal
from partners.policies import loosening
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import PublishNotice

# What is filled in when it is shown must fit beside it.
LONGEST_BODY = 1500
# A yes must be told who, why and until when; a stop is the same for everybody.
A_YES = frozenset({"companies", "purpose", "precision", "until"})
NEEDED = {NoticeText.Use.ALLOW.value: A_YES, NoticeText.Use.ASK.value: A_YES}
PLACE = re.compile(r"\{([^{}]*)\}")


@transaction.atomic
def propose_notice(
    *, use: str, language: str, body: str, starts_at: datetime, reason: str, actor: str, at: datetime
) -> Proposal:
    """Propose the next version of a notice, shown from `starts_at`, but not before another officer agrees.

    `body` is plain text with `{companies}`, `{purpose}`, `{precision}` and `{until}`, each once, before a yes; with
    none of them before a stop. Raises ValidationError; NotNow for what is published or proposed already; StaffOnly.
    """
    guards.officer(actor=actor, reason=reason, action=StaffAction.PROPOSE)
    if use not in NoticeText.Use.values or language not in dict(settings.LANGUAGES):
        raise ValidationError({"use": "There is no such notice, or no such language."})
    text = " ".join(body.split())
    check_text(use=use, text=text)
    if fault := find_start_fault(starts_at, at=at):
        raise ValidationError({"starts_at": fault})
    newest = newest_notice(use=use, language=language)
    # The same words again make sense only to have them counted sooner.
    if newest is not None and newest.body == text and newest.published_at <= max(starts_at, at):
        raise NotNow(f"This wording is already published as version {newest.version}.")
    return proposals.propose(
        act=Proposal.Act.PUBLISH_NOTICE, of=Proposal.Of.NOTICE, target_id=newest.pk if newest else 0,
        payload=loosening.as_json(PublishNotice(use, language, text, starts_at)), reason=reason, actor=actor, at=at,
    )  # fmt: skip


@transaction.atomic
def publish_notice(*, proposal: Proposal, at: datetime) -> NoticeText:
    """Publish the wording on which two officers agreed. What earlier choices were shown stays on record.

    Raises NotNow where another version was published since.
    """
    wanted = loosening.read(act=proposal.act, of=proposal.of, payload=proposal.payload)
    if not isinstance(wanted, PublishNotice):
        raise NotNow(f"{proposal.act} is not done here.")
    newest = newest_notice(use=wanted.use, language=wanted.language)
    if proposal.target_id != (newest.pk if newest else 0):
        raise NotNow("Another version was published after it was proposed. Propose it again.")
    row = NoticeText.objects.create(
        use=wanted.use, language=wanted.language, version=newest.version + 1 if newest else 1, body=wanted.body,
        published_at=max(wanted.starts_at, at), actor=proposal.decided_by,
    )  # fmt: skip
    audit.actions.record(
        action="notice.published", actor=row.actor, target=f"notice:{row.use}.{row.language}.{row.version}", at=at,
        reason=proposal.decision_reason,
        detail={
            "starts_at": row.published_at.isoformat(), "proposal": str(proposal.id),
            "proposed_by": proposal.proposed_by,
        },
    )  # fmt: skip
    return row


def newest_notice(*, use: str, language: str) -> NoticeText | None:
    """Return the newest version in this language, which may not count yet."""
    return NoticeText.objects.filter(use=use, language=language).order_by("-version").first()


def check_text(*, use: str, text: str) -> None:
    """Check that the text has each place that this notice needs once, and no other. Raises ValidationError."""
    if not 0 < len(text) <= LONGEST_BODY or "\x00" in text:
        raise ValidationError({"body": f"A notice has 1 to {LONGEST_BODY} characters."})
    places = PLACE.findall(text)
    rest = PLACE.sub("", text)
    if sorted(places) != sorted(NEEDED.get(use, ())) or "{" in rest or "}" in rest:
        needed = " ".join(f"{{{place}}}" for place in sorted(NEEDED.get(use, ())))
        says = f"must contain each of these once, and no other: {needed}" if needed else "can't contain { or }."
        raise ValidationError({"body": f"This notice {says}"})
