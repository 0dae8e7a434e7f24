"""News of a case: by text to whoever asked, by mail where they gave an address. A link, and nothing of what it says."""

from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actions import sms_outbox
from accounts.actions.sms_outbox import post_notice
from accounts.models import LineUser, Message
from accounts.primitives.sealing import unseal
from accounts.workers.email_outbox import Mail
from support.models import Ticket
from support.primitives.tokens import link_to, reply_address


def notify_of_answer(*, ticket: Ticket, at: datetime) -> None:
    """Tell whoever a case is about that it was answered. Nothing of the answer, nor of what it is about, goes out."""
    link = link_to(ticket=ticket)
    with translation.override(ticket.language):
        text = _("Whereabouts: we answered your message. To read our answer, sign in: %(link)s") % {"link": link}
        mail = _mail(ticket, link)
    line_id = get_line_to_notify(ticket=ticket)
    if line_id is not None:
        sms_outbox.post(line_id=line_id, kind=Message.Kind.CASE, words=text, at=at, about=f"ticket:{ticket.pk}")
    if ticket.mail_sealed:
        post_notice(line_id=line_id, to=unseal(ticket.mail_sealed), mail=mail, at=at)


def get_line_to_notify(*, ticket: Ticket) -> int | None:
    """The line by which whoever asked signs in now; of a case that nobody wrote, the line it is about; None: none."""
    if ticket.asked_by_id is None:
        return ticket.line_id
    current = LineUser.objects.filter(user_id=ticket.asked_by_id, until__isnull=True)
    lines = list(current.order_by("-since", "-id").values_list("line_id", flat=True))
    # Of several: the one that they asked about.
    return ticket.line_id if ticket.line_id in lines else next(iter(lines), None)


def _mail(ticket: Ticket, link: str) -> Mail:
    reply_to = reply_address(code=ticket.code)
    says = [
        _("We answered your message. To keep it private, our answer isn't in this e-mail."),
        _("To read our answer: %(link)s") % {"link": link},
    ]
    if reply_to:
        says.append(_("To write to us again, reply to this e-mail. We add your reply to your case."))
    return Mail(
        subject=_("Our answer to your case %(code)s") % {"code": ticket.code}, text="\n\n".join(says), reply_to=reply_to
    )
