"""Take in what machines hand to the desk: mail from people, calls that were logged, and events of our own trial."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts.actions.incoming_texts import claim_text
from accounts.primitives import numbers
from accounts.primitives.sealing import compute_hmac, seal
from accounts.queries import line_of_number
from partners.domain import keys
from partners.models import SigningKey
from partners.primitives.tokens import BadToken
from revocations.models import Order
from support.actions.asking import may_open_again, reopen_case
from support.actions.writing import attach
from support.domain import files, tickets
from support.models import LONGEST, MAILED, CanaryRun, Entry, LoggedCall, Ticket
from support.policies.lifecycle import due_at
from support.policies.thread_events import FILES_LEFT, describe_event
from support.primitives.tokens import REPLY, code_in, token_in

ACTOR = "mail:reply"
HOUR = timedelta(hours=1)
# In an hour: into one case, from one address, and from all that nobody knows.
INTO_ONE, FROM_ONE, FROM_ALL = 10, 5, 200
NOTHING_WRITTEN = "(no text)"


@dataclass(frozen=True)
class IncomingMail:
    """A mail. `sender`: the address it says it comes from, "" for none; `words`: what was written, no more."""

    message_id: str
    sender: str
    addresses: Sequence[str]
    title: str
    words: str
    by_a_person: bool = True
    files: Sequence[tuple[str, bytes]] = ()


@transaction.atomic
def receive_mail(*, mail: IncomingMail, at: datetime) -> None:
    """Take one mail, once. Nobody is told what came of it."""
    sender = mail.sender
    if not mail.by_a_person or _is_a_machine(sender) or _plain(sender) in _list_own_addresses():
        return
    if not claim_text(text_id=f"mail:{mail.message_id}", at=at):
        return
    tokens = _tokens_in(mail.addresses)
    codes = _codes_in(tokens)
    if codes:
        _into_case(codes[0], mail, at)
    elif not tokens:
        _open_case(sender, mail, at)


def _tokens_in(addresses: Sequence[str]) -> list[str]:
    return [token for token in (token_in(address=one) for one in addresses) if token]


def _codes_in(tokens: Sequence[str]) -> list[str]:
    """Return the cases that these tokens let somebody answer in."""
    return [code for code in (code_in(token=token, purpose=REPLY) for token in tokens) if code]


def _into_case(code: str, mail: IncomingMail, at: datetime) -> None:
    ticket = Ticket.objects.select_for_update().filter(code=code).first()
    if ticket is None:
        return
    # Of the same person: the database lets no case go on as another's.
    ticket = tickets.lock_merged_case(ticket=ticket)
    lately = Entry.objects.filter(ticket=ticket, channel=Entry.Channel.MAIL, at__gt=at - HOUR)
    if lately.count() >= INTO_ONE:
        return
    if not may_open_again(ticket=ticket, at=at):
        _open_case(mail.sender, mail, at)
        return
    _write(ticket, mail.words or NOTHING_WRITTEN, mail.files, at)
    reopen_case(ticket=ticket, at=at)
    audit.actions.record(
        action="ticket.heard", actor=ACTOR, target=f"ticket:{ticket.code}", at=at, line_id=ticket.line_id
    )


def _open_case(sender: str, mail: IncomingMail, at: datetime) -> None:
    prefix = f"{MAILED}{compute_hmac('mail-sender', sender.encode()).hex()[:32]}:"
    lately = Ticket.objects.filter(opened_at__gt=at - HOUR)
    if lately.filter(key__startswith=prefix).count() >= FROM_ONE:
        return
    if lately.filter(key__startswith=MAILED).count() >= FROM_ALL:
        return
    code = tickets.new_code()
    ticket = Ticket.objects.create(
        code=code, kind=Ticket.Kind.OTHER, key=f"{prefix}{code}", about=str(Ticket.Kind.OTHER.label), language="en",
        mail_sealed=seal(sender), opened_at=at, last_at=at, due_at=due_at(kind=Ticket.Kind.OTHER, at=at),
    )  # fmt: skip
    body = "\n\n".join(part for part in (mail.title, mail.words) if part) or NOTHING_WRITTEN
    _write(ticket, body[:LONGEST], mail.files, at)
    audit.actions.record(action="ticket.opened", actor=ACTOR, target=f"ticket:{code}", at=at)


def _write(ticket: Ticket, body: str, given: Sequence[tuple[str, bytes]], at: datetime) -> None:
    entry = tickets.write(
        ticket=ticket, kind=Entry.Kind.HEARD, author=ACTOR, channel=Entry.Channel.MAIL, body=body, at=at
    )
    uploads = _accept_files(given)
    attach(ticket=ticket, entry=entry, author=ACTOR, uploads=uploads, at=at)
    if len(uploads) < len(given):
        left = len(given) - len(uploads)
        tickets.append_event(ticket=ticket, body=describe_event(FILES_LEFT, n=left), at=at)


def _accept_files(given: Sequence[tuple[str, bytes]]) -> list[files.Upload]:
    uploads: list[files.Upload] = []
    for name, content in given:
        if len(uploads) == files.MOST or len(content) > files.LARGEST:
            continue
        try:
            uploads.append(files.build_upload(name=name, content=content))
        except files.NotAFile:
            continue
    return uploads


def _is_a_machine(sender: str) -> bool:
    """Return whether a mail server says that it could not deliver something; old ones do not mark it as a machine's."""
    return sender.partition("@")[0] in {"", "mailer-daemon", "postmaster"}


def _list_own_addresses() -> set[str]:
    """Return the addresses that our own mail comes from and is answered to."""
    return {parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower(), settings.MAIL_REPLY_ADDRESS.lower()}


def _plain(address: str) -> str:
    """Return an address without what stands behind its plus sign."""
    name, _, host = address.partition("@")
    return f"{name.partition('+')[0]}@{host}"


# Clocks of two machines differ by less.
AHEAD = timedelta(minutes=1)


class CallInFuture(Exception):
    """The call was answered later than now, by its own word."""


@transaction.atomic
def log_call(*, call_ref: str, msisdn: str, answered_at: datetime, by: str, at: datetime) -> None:
    """Keep that a number was called and answered, for the line that had it then. The same id does nothing twice.

    Nothing is kept of a number that was no line's. Raises CallInFuture.
    """
    if answered_at > at + AHEAD:
        raise CallInFuture
    line = line_of_number(msisdn=msisdn, at=answered_at)
    if line is not None:
        LoggedCall.objects.get_or_create(
            call_ref=call_ref, defaults={"line_id": line.pk, "answered_at": answered_at, "heard_at": at, "by": by}
        )


@transaction.atomic
def hear_canary(*, token: str, at: datetime) -> bool:
    """Take an event that was pushed to our own trial. Returns whether it is one: signed by us, for nobody else.

    Of an order to stop it is written down that it came.
    """
    try:
        claims = keys.verify_own(use=SigningKey.Use.ORDER, token=token)
    except BadToken:
        return False
    if claims.get("aud") != numbers.CANARY_PARTY:
        return False
    order = Order.objects.filter(jti=str(claims.get("jti"))).first()
    if order is not None and order.lane == Order.Lane.STOP:
        CanaryRun.objects.filter(finished_at__isnull=True).update(heard_order_id=order.id, heard_at=at)
    return True
