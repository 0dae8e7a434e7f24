"""What stands in an address of ours, or in a link, so that it names one case and nobody can make it up."""

import hmac
import re
from base64 import b32encode

from django.conf import settings
from django.urls import reverse

from accounts.primitives.sealing import compute_hmac
from support.models import Ticket

PREFIX = "T-"
TOKEN = re.compile(r"([2-9a-z]{6})-([a-z2-7]{24})")
REPLY, READ = "case-reply", "case-read"


def token_of(*, code: str, purpose: str) -> str:
    """The case's code and a keyed hash of it: lower-case letters and digits, as an address may lose its capitals."""
    short = code.removeprefix(PREFIX).lower()
    return f"{short}-{_mac(code, purpose)}"


def code_in(*, token: str, purpose: str) -> str:
    """Return the code that a token names, or "" for one that we did not make."""
    found = TOKEN.fullmatch(token.lower())
    if found is None:
        return ""
    code = f"{PREFIX}{found[1].upper()}"
    return code if hmac.compare_digest(found[2], _mac(code, purpose)) else ""


def reply_address(*, code: str) -> str:
    """Return where an answer by mail to this case goes, or "" where no mail comes in."""
    if not settings.MAIL_REPLY_ADDRESS or not settings.MAIL_INBOUND_SECRETS:
        return ""
    name, _, host = settings.MAIL_REPLY_ADDRESS.partition("@")
    return f"{name}+{token_of(code=code, purpose=REPLY)}@{host}"


def link_to(*, ticket: Ticket) -> str:
    """The address at which whoever asked reads the case: of mail from nobody we know, a link that is theirs alone."""
    if ticket.line_id is None and ticket.mail_sealed:
        token = token_of(code=ticket.code, purpose=READ)
        return f"{settings.BASE_URL}{reverse('case-by-mail', kwargs={'token': token})}"
    return f"{settings.BASE_URL}{reverse('case', kwargs={'code': ticket.code})}"


def token_in(*, address: str) -> str:
    """Return what stands behind the plus sign of an address, or ""."""
    return address.rpartition("@")[0].partition("+")[2]


def _mac(code: str, purpose: str) -> str:
    return b32encode(compute_hmac(purpose, code.encode())).decode().lower()[:24]
