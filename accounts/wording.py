"""Words about sign-in and access. Texts say what their code is for and name no company."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Line, TextedCode, User
from audit.models import AuditEvent

type Words = str | Promise

WHAT: dict[str, Words] = {
    "line.signed_in": gettext_lazy("Signed in with a texted code"),
    "line.password_chosen": gettext_lazy("Chose a password"),
    "line.tenure_ended": gettext_lazy("The sign-in of this line ended"),
    "line.ended": gettext_lazy("The line ended"),
    "line.number_changed": gettext_lazy("The line got another number"),
    "line.exported": gettext_lazy("Took a copy of everything about this line"),
    "line.seen": gettext_lazy("Looked at this line"),
    "line.revealed": gettext_lazy("Looked at who uses this line"),
    "consent.stop": gettext_lazy("Stopped sharing"),
    "consent.pause": gettext_lazy("Paused sharing"),
    "consent.allow": gettext_lazy("Allowed one use by one company"),
    "consent.refuse": gettext_lazy("Said no to a company's question"),
    "consent.choices_recorded": gettext_lazy("Brought in choices from an earlier system"),
    "consent.approvals_recorded": gettext_lazy("Brought in records of what was agreed"),
    "export.line": gettext_lazy("Took a copy of everything about this line"),
    "history.downloaded": gettext_lazy("Downloaded the history"),
    "order.seen": gettext_lazy("Looked at what a company was told about this line"),
    "difference.seen": gettext_lazy("Looked at what a company holds about this line"),
    "anomaly.seen": gettext_lazy("Looked at look-ups of this line that look wrong"),
    "anomaly.taken": gettext_lazy("Took a copy of look-ups of this line that look wrong"),
    "order.receipt": gettext_lazy("Signed what it did about a stop"),
    "order.contradicted": gettext_lazy("Found that a company went on after it had signed"),
    "ticket.opened": gettext_lazy("Opened a case"),
    "disclosures.attributed": gettext_lazy("Brought in look-ups that had waited for this line"),
    "disclosures.reported": gettext_lazy("Reported look-ups"),
    "line.changed": gettext_lazy("The carrier changed its record of this line"),
}
WHO: dict[str, Words] = {
    "subscriber": gettext_lazy("Somebody with sight of this line"),
    "line": gettext_lazy("Somebody with this phone, by texted code"),
    "agent": gettext_lazy("Our support"),
    "officer": gettext_lazy("Our privacy office"),
    "auditor": gettext_lazy("An auditor of our privacy office"),
    "partner": gettext_lazy("A company we share with"),
    "client": gettext_lazy("One of our own systems"),
    "import": gettext_lazy("A file from the carrier"),
    "command": gettext_lazy("An operator of this portal"),
    "system": gettext_lazy("This portal, by itself"),
}


@dataclass(frozen=True)
class Entry:
    """One line of the access log as it is read."""

    at: datetime
    who: str
    what: str
    reason: str
    by_staff: bool


def language_of(line: Line) -> str:
    """The language in which a line is texted: its own where we have it, else ours."""
    try:
        return translation.get_supported_language_variant(line.language)
    except LookupError:
        return settings.LANGUAGE_CODE


def code_text(*, purpose: TextedCode.Purpose, code: str) -> str:
    """The text that carries a code, in the language that is active."""
    if purpose == TextedCode.Purpose.STOP:
        words = _(
            "Whereabouts: %(code)s is your code to STOP sharing this phone's location. It works for nothing else. "
            "If you did not ask for it, you can ignore this text."
        )
    elif purpose == TextedCode.Purpose.ASK:
        words = _(
            "Whereabouts: %(code)s is your code to ANSWER a company's question. It works for nothing else. We never "
            "ask you for it. If you did not ask for it, you can ignore this text."
        )
    else:
        words = _(
            "Whereabouts: %(code)s is your code to SIGN IN. It works for nothing else. We never ask you for it. "
            "If you did not ask for it, you can ignore this text."
        )
    return words % {"code": code}


def entry(*, event: AuditEvent, reader: User) -> Entry:
    """An event of the audit trail in the words of the person whose log it is. An action without words is named."""
    kind = event.actor.partition(":")[0]
    who = _("You") if event.actor == f"subscriber:{reader.pk}" else str(WHO.get(kind, WHO["system"]))
    return Entry(
        at=event.at,
        who=who,
        what=str(WHAT.get(event.action) or _("Did this: %(action)s") % {"action": event.action}),
        reason=event.reason,
        by_staff=kind in {"agent", "officer", "auditor", "command"},
    )
