"""The officers' wording of what a person reads before a choice."""

import re
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from partners.actions import guards
from partners.models import NoticeText
from partners.policies.lifecycle import NotNow

# What is filled in when it is shown must fit beside it.
LONGEST_BODY = 1500
# A yes must be told who, why and until when; a stop is the same for everybody.
A_YES = frozenset({"companies", "purpose", "precision", "until"})
NEEDED = {NoticeText.Use.ALLOW.value: A_YES, NoticeText.Use.ASK.value: A_YES}
PLACE = re.compile(r"\{([^{}]*)\}")


@transaction.atomic
def publish_notice(*, use: str, language: str, body: str, reason: str, actor: str, at: datetime) -> NoticeText:
    """Publish the next version of a notice, shown from now on. What earlier choices were shown stays on record.

    `body` is plain text with `{companies}`, `{purpose}`, `{precision}` and `{until}`, each once, before a yes; with
    none of them before a stop. Raises ValidationError; NotNow for the words of now, and where another version came
    first; StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.PUBLISH_NOTICE)
    if use not in NoticeText.Use.values or language not in dict(settings.LANGUAGES):
        raise ValidationError({"use": "There is no such notice, or no such language."})
    text = " ".join(body.split())
    check_text(use=use, text=text)
    newest = NoticeText.objects.filter(use=use, language=language).order_by("-version").first()
    if newest is not None and newest.body == text:
        raise NotNow(f"This wording is already published as version {newest.version}.")
    # Two that publish at once: the later one waits for the row, then meets the unique constraint.
    with guards.first(message="Another officer just published a version. Read that one first."):
        row = NoticeText.objects.create(
            use=use, language=language, version=newest.version + 1 if newest else 1, body=text, published_at=at,
            actor=name,
        )  # fmt: skip
    audit.actions.record(
        action="notice.published", actor=name, target=f"notice:{use}.{language}.{row.version}", at=at, reason=reason
    )
    return row


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
