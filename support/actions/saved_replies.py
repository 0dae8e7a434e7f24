"""Answers that are written often: written, changed, retired and brought back by officers."""

from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.queries import acting_staff
from support.labels import BadVariable, unknown_in
from support.models import SavedReply
from support.policies.lifecycle import NotNow


@transaction.atomic
def write_reply(*, key: str, language: str, title: str, body: str, actor: str, at: datetime) -> SavedReply:
    """Write one, or other words in place of those of before. Raises NotForThem, BadVariable."""
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_REPLIES)
    if unknown := unknown_in(body=body):
        raise BadVariable(f"{{{unknown[0]}}} is no variable.")
    words = {"title": title, "body": body, "changed_at": at, "retired_at": None}
    reply, _ = SavedReply.objects.update_or_create(key=key, language=language, defaults=words)
    audit.actions.record(action="reply.written", actor=name, target=f"canned:{reply.pk}", at=at)
    return reply


@transaction.atomic
def retire_reply(*, reply_id: int, actor: str, at: datetime) -> None:
    """Take one out of use, or bring it back. What was answered with it stays. Raises NotForThem, NotNow."""
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_REPLIES)
    reply = SavedReply.objects.select_for_update().filter(pk=reply_id).first()
    if reply is None:
        raise NotNow("There is no such answer.")
    reply.retired_at = None if reply.retired_at else at
    reply.save(update_fields=["retired_at"])
    act = "reply.retired" if reply.retired_at else "reply.brought_back"
    audit.actions.record(action=act, actor=name, target=f"canned:{reply.pk}", at=at)
