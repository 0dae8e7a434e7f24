"""The holder of an account invites the adult who uses one of its lines to sign in. They learn nothing by it."""

from datetime import datetime

from django.db import transaction
from django.utils import translation

import audit.actions
from accounts.actions.sms_outbox import LASTS, post
from accounts.domain import message_templates
from accounts.models import Line, Message, User


@transaction.atomic
def invite(*, line_id: int, account_id: int, user: User, at: datetime) -> None:
    """Text the line's phone an invitation, once a week at most. It opens nothing by itself.

    Does nothing, and says nothing, where one went out lately, where the line's person wants none, and for a line that
    is no longer on the account: whoever invites is shown the same whatever happens.
    """
    line = Line.objects.select_for_update(of=("self",), no_key=True).filter(pk=line_id, account=account_id).first()
    since = at - LASTS[Message.Kind.INVITED]
    if line is None or Message.objects.filter(line=line, kind=Message.Kind.INVITED, made_at__gt=since).exists():
        return
    audit.actions.record(
        action="line.invited", actor=f"holder:{user.pk}", target=f"line:{line.pk}", line_id=line.pk, at=at
    )
    with translation.override(message_templates.language_of(line)):
        post(line_id=line.pk, kind=Message.Kind.INVITED, words=message_templates.invited_text(), at=at)
