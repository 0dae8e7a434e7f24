"""A receipt goes to its person: by mail with both files, or by a text with a link and nothing that it says."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

import audit.actions
from accounts.actions.sms_outbox import enqueue_email, enqueue_receipt
from accounts.domain.message_templates import language_of, sign_mail
from accounts.models import Line
from accounts.workers.email_outbox import Attachment, Mail


@transaction.atomic
def mail_receipt(
    *, line_id: int, number: str, to: str, body: Mapping[str, object], printed: bytes, actor: str, at: datetime
) -> None:
    """Have a receipt mailed, as JSON (`body`) and as PDF (`printed`). Raises accounts.actions.SentEnough.

    The mail names neither company nor phone number; the files do name companies.
    """
    text = _(
        "Here is receipt %(number)s, which you asked for: a PDF to print, and a JSON file for programs. Both contain "
        "what was signed.\n\nTo check it: %(check)s\n\nAnyone can check it without us, with the keys at %(keys)s"
    ) % {
        "number": number, "check": f"{settings.BASE_URL}{reverse('check-receipt')}",
        "keys": f"{settings.BASE_URL}/.well-known/jwks.json",
    }  # fmt: skip
    files = (
        Attachment(f"receipt-{number}.pdf", "application/pdf", printed),
        Attachment(
            f"receipt-{number}.json", "application/json", json.dumps(body, indent=2, ensure_ascii=False).encode()
        ),
    )
    mail = Mail(subject=_("Your receipt %(number)s") % {"number": number}, text=sign_mail(text=text), files=files)
    enqueue_email(line_id=line_id, to=to, mail=mail, at=at)
    _record_event("mailed", line_id, actor, at)


@transaction.atomic
def text_receipt(*, line_id: int, to_line: int, choice_id: uuid.UUID, actor: str, at: datetime) -> None:
    """Have the phone of `to_line` texted a link to a receipt of `line_id`. Raises accounts.actions.SentEnough."""
    with translation.override(language_of(Line.objects.get(pk=to_line))):
        words = pgettext("text message", "here is the page you asked for. Sign in to read it: %(url)s") % {
            "url": f"{settings.BASE_URL}{reverse('choice-receipt', args=[choice_id])}"
        }
    enqueue_receipt(line_id=to_line, words=words, at=at)
    _record_event("texted", line_id, actor, at)


def _record_event(how: str, line_id: int, actor: str, at: datetime) -> None:
    audit.actions.record(action=f"receipt.{how}", actor=actor, target=f"line:{line_id}", line_id=line_id, at=at)
