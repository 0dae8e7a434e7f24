"""Words about sign-in and access. Texts say what their code is for and name no company."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from accounts.models import Line, TextedCode, User
from audit.models import AuditEvent

type Words = str | Promise

WHAT: dict[str, Words] = {
    "line.signed_in": gettext_lazy("Signed in with a texted code"),
    "line.signed_in_by_carrier": gettext_lazy("Signed in with the carrier's own sign-in"),
    "line.password_chosen": gettext_lazy("Chose a password"),
    "line.password_changed": gettext_lazy("Changed the password"),
    "line.password_replaced": gettext_lazy("Replaced a forgotten password"),
    "line.new_password_asked": gettext_lazy("Asked for a new password (24-hour wait)"),
    "line.new_password_cancelled": gettext_lazy("Canceled the request for a new password"),
    "line.passkey_added": gettext_lazy("Added a passkey"),
    "line.passkey_removed": gettext_lazy("Removed a passkey"),
    "line.app_added": gettext_lazy("Added an authenticator app"),
    "line.app_removed": gettext_lazy("Removed the authenticator app"),
    "line.codes_added": gettext_lazy("Got new recovery codes"),
    "line.codes_removed": gettext_lazy("Removed the recovery codes"),
    "line.code_used": gettext_lazy("Used a recovery code"),
    "line.new_device": gettext_lazy("Signed in on a new browser or network"),
    "line.sign_ins_ended": gettext_lazy("Signed out other browsers"),
    "line.invited": gettext_lazy("Invited you to sign in"),
    "line.contact_set": gettext_lazy("Chose a safe number for alerts about this line"),
    "line.contact_removed": gettext_lazy("Removed the safe number: alerts go to this phone again"),
    "line.shown_by_contact": gettext_lazy("Opened the pages, to read only, with a code sent to the safe number"),
    "line.signed_in_after_end": gettext_lazy("Signed in after the line had ended, with a password or passkey"),
    "delegate.asked": gettext_lazy("Asked someone to be a trusted helper for this line"),
    "delegate.taken_on": gettext_lazy("Agreed to be a trusted helper for this line"),
    "delegate.ended": gettext_lazy("Ended a trusted helper's access to this line"),
    "delegate.looked": gettext_lazy("Looked at this line's pages"),
    "holder.looked": gettext_lazy("Looked at this line's pages"),
    "separation.asked": gettext_lazy("Asked in confidence for a line separation"),
    "separation.taken_back": gettext_lazy("Withdrew the request for a line separation"),
    "separation.seen": gettext_lazy("Looked at your request for a line separation"),
    "separation.done": gettext_lazy("Separated the line from the account"),
    "separation.not_done": gettext_lazy("Could not separate the line from the account"),
    "line.texts_off": gettext_lazy("Turned off alerts by text"),
    "line.texts_on": gettext_lazy("Turned on alerts by text"),
    "line.reminders_off": gettext_lazy("Turned off reminders"),
    "line.reminders_on": gettext_lazy("Turned on reminders"),
    "line.alerts_chosen": gettext_lazy("Changed which alerts are sent by text"),
    "receipt.mailed": gettext_lazy("Had a receipt sent by e-mail"),
    "receipt.texted": gettext_lazy("Had a receipt link texted to their phone"),
    "line.tenure_ended": gettext_lazy("The sign-in for this line ended"),
    "line.ended": gettext_lazy("The line ended"),
    "line.number_changed": gettext_lazy("The line's number changed"),
    "line.archive_asked": gettext_lazy("Asked for a file with everything about this line"),
    "agent.asked": gettext_lazy("Asked in this person's name to stop all sharing"),
    "agent.confirmed": gettext_lazy("Confirmed from this phone that an agent acts for them"),
    "agent.refused": gettext_lazy("Told us from this phone that an agent doesn't act for them"),
    "agent.unanswered": gettext_lazy("An agent's request in this person's name expired without an answer"),
    "agent.revoked": gettext_lazy("Withdrew its request in this person's name"),
    "line.exported": gettext_lazy("Took a copy of everything about this line"),
    "line.seen": gettext_lazy("Looked at this line"),
    "line.revealed": gettext_lazy("Looked at who uses this line"),
    "consent.stop": gettext_lazy("Stopped sharing"),
    "consent.pause": gettext_lazy("Paused sharing"),
    "consent.allow": gettext_lazy("Allowed one use by one company"),
    "consent.refuse": gettext_lazy("Said no to a company's question"),
    "consent.signal_taken": gettext_lazy("Sent a browser's privacy signal, and we honored it"),
    "consent.signal_answered": gettext_lazy("Chose between the privacy signal and their own consent"),
    "consent.choices_recorded": gettext_lazy("Imported choices from an earlier system"),
    "consent.approvals_recorded": gettext_lazy("Imported records of consent"),
    "consent.set_aside": gettext_lazy("Set aside a consent that came from a number no longer on this line"),
    "export.line": gettext_lazy("Took a copy of everything about this line"),
    "history.downloaded": gettext_lazy("Downloaded the history"),
    "order.seen": gettext_lazy("Looked at what a company was told about this line"),
    "difference.seen": gettext_lazy("Looked at what a company holds about this line"),
    "anomaly.seen": gettext_lazy("Looked at look-ups of this line that don't look right"),
    "anomaly.taken": gettext_lazy("Took a copy of look-ups of this line that don't look right"),
    "order.receipt": gettext_lazy("Signed what it did after a stop"),
    "order.contradicted": gettext_lazy("Found that a company continued after it had signed"),
    "orders.resent": gettext_lazy("Resent companies the messages about this line that they had missed"),
    "partner.asked": gettext_lazy("Asked us if it may find this phone"),
    "evidence.answered": gettext_lazy("Answered our request for proof that you agreed"),
    "ticket.opened": gettext_lazy("Opened a case"),
    "ticket.found": gettext_lazy("Found your case in a list"),
    "ticket.claimed": gettext_lazy("Took your case"),
    "ticket.assigned": gettext_lazy("Assigned your case to someone on our support team"),
    "ticket.handed_over": gettext_lazy("Handed your case to a colleague"),
    "ticket.merged": gettext_lazy("Merged two of your cases"),
    "ticket.moved": gettext_lazy("Changed the state of your case"),
    "ticket.priority_set": gettext_lazy("Set the priority of your case"),
    "ticket.escalated": gettext_lazy("Handed your case to our privacy office"),
    "case.seen": gettext_lazy("Looked at your case and its details"),
    "case.exported": gettext_lazy("Took a copy of your case"),
    "person.reveal_asked": gettext_lazy("Asked to see whose line this is (a second person must agree)"),
    "person.reveal_agreed": gettext_lazy("Approved a colleague's request to see whose line this is"),
    "person.revealed": gettext_lazy("Saw this line's number and whose it is, for 15 minutes"),
    "stop.code_texted": gettext_lazy("Texted a code to this phone, to stop sharing for you"),
    "stopped.for_person": gettext_lazy("Stopped or paused sharing for you, because you asked"),
    "evidence.asked": gettext_lazy("Asked companies for proof that you agreed"),
    "suspend.asked": gettext_lazy("Asked our privacy office to suspend a company, for your case"),
    "suspend.decided": gettext_lazy("Decided whether to suspend a company, for your case"),
    "protection.began": gettext_lazy(
        "Protected this line: two staff members must agree before either sees whose it is"
    ),
    "protection.ended": gettext_lazy(
        "Ended the protection: staff no longer need a second person to see whose line this is"
    ),
    "ticket.asked": gettext_lazy("Wrote to us"),
    "ticket.heard": gettext_lazy("Wrote to us again in a case"),
    "ticket.rated": gettext_lazy("Rated our answer"),
    "dispute.withdrawn": gettext_lazy("Withdrew “I never agreed”"),
    "ticket.answered": gettext_lazy("Answered a case"),
    "ticket.noted": gettext_lazy("Wrote a note in a case"),
    "ticket.seen": gettext_lazy("Looked at your case"),
    "ticket.file_seen": gettext_lazy("Opened a file in a case"),
    "disclosures.attributed": gettext_lazy("Imported look-ups that had waited for this line"),
    "disclosures.reported": gettext_lazy("Reported look-ups"),
    "line.changed": gettext_lazy("The carrier changed its record of this line"),
    "line.recorded": gettext_lazy("Imported this line"),
    "line.continued": gettext_lazy("Linked this line to the earlier line that it continues"),
    "line.history_moved": gettext_lazy(
        "Moved location history between this line and another line that had the same number"
    ),
    "line.earlier_number": gettext_lazy("Recorded this line's earlier number"),
}
# Reasons that are no person's words: what was taken.
TAKEN: dict[str, Words] = {
    "history.csv": gettext_lazy("the history, as a table (CSV)"),
    "history.json": gettext_lazy("the history, as data (JSON)"),
    "archive.zip": gettext_lazy("everything, as one file (ZIP)"),
}
# What was done, in the texts that tell of it.
CHANGED: dict[str, Words] = {
    "password_chosen": gettext_lazy("a password was chosen"),
    "password_changed": gettext_lazy("the password was changed"),
    "password_replaced": gettext_lazy("the password was replaced"),
    "passkey_added": gettext_lazy("a passkey was set up"),
    "passkey_removed": gettext_lazy("a passkey was removed"),
    "app_added": gettext_lazy("an authenticator app was set up"),
    "app_removed": gettext_lazy("the authenticator app was removed"),
    "codes_added": gettext_lazy("recovery codes were made"),
    "codes_removed": gettext_lazy("the recovery codes were removed"),
    "code_used": gettext_lazy("a recovery code was used"),
}
WHO: dict[str, Words] = {
    "subscriber": gettext_lazy("Someone who can see this line"),
    "line": gettext_lazy("Someone with this phone, without signing in"),
    "delegate": gettext_lazy("A trusted helper you asked"),
    "holder": gettext_lazy("The account holder"),
    "agent": gettext_lazy("Our support team"),
    "officer": gettext_lazy("Our privacy office"),
    "auditor": gettext_lazy("An auditor of our privacy office"),
    "partner": gettext_lazy("A company we share with"),
    "mail": gettext_lazy("Someone who replied to our e-mail"),
    "authorized": gettext_lazy("An agent that says it acts for this person"),
    "client": gettext_lazy("One of our own systems"),
    "import": gettext_lazy("A file from the carrier"),
    "command": gettext_lazy("An operator of this site"),
    "system": gettext_lazy("This site, automatically"),
}


# Between two acts of one visit at most.
ONE_VISIT = timedelta(minutes=15)


@dataclass(frozen=True)
class Entry:
    """One line of the access log as it is read."""

    at: datetime
    who: str
    what: str
    reason: str
    by_staff: bool


@dataclass(frozen=True)
class Visit:
    """What one person did in one go, newest first: one line of the access log, which opens to each entry."""

    entries: tuple[Entry, ...]

    @property
    def acts(self) -> Collection[str]:
        """What was done, each act once."""
        return dict.fromkeys(one.what for one in self.entries)


def language_of(line: Line) -> str:
    """Return the language in which a line is texted: its own where we have it, else ours."""
    try:
        return translation.get_supported_language_variant(line.language)
    except LookupError:
        return settings.LANGUAGE_CODE


def code_text(*, purpose: TextedCode.Purpose, code: str) -> str:
    """Return the text that carries a code, in the language that is active."""
    if purpose == TextedCode.Purpose.STOP:
        words = pgettext(
            "text message",
            "%(code)s is your code to STOP sharing this phone's location. It works for nothing else. "
            "If you did not ask for it, you can ignore this text.",
        )
    elif purpose == TextedCode.Purpose.ASK:
        words = pgettext(
            "text message",
            "%(code)s is your code to ANSWER a company's question. It works for nothing else. We never "
            "ask you for it. If you did not ask for it, you can ignore this text.",
        )
    elif purpose == TextedCode.Purpose.STOP_FOR:
        words = pgettext(
            "text message",
            "our support team asked for this code to STOP sharing this phone's location for you: %(code)s "
            "Read it out only if you are talking with us now. It works for nothing else.",
        )
    else:
        words = pgettext(
            "text message",
            "%(code)s is your code to SIGN IN. It works for nothing else. We never ask you for it. "
            "If you did not ask for it, you can ignore this text.",
        )
    return words % {"code": code}


def reply_code_text(*, code: str) -> str:
    """Return the text that carries a code to be sent back by text, where the first one may have come from elsewhere."""
    return pgettext(
        "text message",
        "to STOP sharing this phone's location, reply: STOP LOCATION %(code)s The code works for nothing "
        "else. If you did not ask for it, you can ignore this text.",
    ) % {"code": code}


def join_words(words: Iterable[str]) -> str:
    """Words one after another, with the comma that the active language puts between them."""
    return pgettext("between the words of a list", ", ").join(words)


def changed_text(*, what: Collection[str]) -> str:
    """Return the text to a line that what lets its person in was changed; never to what."""
    return pgettext(
        "text message", "on this phone's location pages, %(what)s. Not you? Sign out everywhere: %(sessions)s"
    ) % {"what": join_words(str(CHANGED[one]) for one in what), "sessions": _url("sign-ins")}


def new_password_text(*, url: str) -> str:
    """Return the text to a line that somebody asked for a new password, with the link that ends it."""
    return pgettext(
        "text message",
        "someone asked for a new password for this phone's location pages. They can choose it in 24 "
        "hours. If it wasn't you, cancel the request: %(url)s or reply NO",
    ) % {"url": url}


def new_password_cancelled_text() -> str:
    """Return the text that a new password is not to be chosen any more."""
    return pgettext(
        "text message",
        "the request for a new password for this phone's location pages is canceled. Your old password stays.",
    )


def new_device_text() -> str:
    """Return the text that somebody signed in on a device or network that was not known."""
    return pgettext(
        "text message",
        "someone signed in to this phone's location pages on a browser or network that is new to "
        "us. Not you? Sign out everywhere: %(sessions)s",
    ) % {"sessions": _url("sign-ins")}


def new_carrier_account_text() -> str:
    """Return the text that somebody came by the carrier's own sign-in, which nobody on this line had done before."""
    return pgettext(
        "text message",
        "someone signed in to this phone's location pages with a carrier account for the first time. Not you? Sign "
        "out everywhere: %(sessions)s",
    ) % {"sessions": _url("sign-ins")}


def number_to_call() -> str:
    """Return the carrier's number, or where people find it if the carrier set none."""
    return settings.CARRIER_PHONE or pgettext("where to call", "the number on your bill")


def opening_hours() -> str:
    """Return when the carrier's number is answered, in the reader's language if it gave that: "daily | es: diario"."""
    first, *others = (one.strip() for one in settings.CARRIER_HOURS.split("|"))
    said = {language.strip().lower(): words.strip() for language, mark, words in (one.partition(":") for one in others)}
    return said.get(get_language() or "", first)


def sign_mail(*, text: str) -> str:
    """Return the text of a mail with who sends it, and where to call with questions."""
    hours = opening_hours()
    number = f"{number_to_call()} ({hours})" if hours else number_to_call()
    return f"{text}\n\n{settings.CARRIER_NAME}\n{_('Questions? Call us at %(number)s.') % {'number': number}}\n"


def to_contact_text(*, words: str) -> str:
    """Return a text about a line as its safe contact gets it: "this phone" is another one there."""
    return _("About your other phone line: %(words)s") % {"words": words}


def to_phone_text(*, words: str) -> str:
    """Return a text that its safe contact was to get, as the phone itself gets it."""
    return words.removeprefix(to_contact_text(words=""))


def invited_text() -> str:
    """Return the text by which the account holder invites the line's user.

    Its page says what the holder does not see.
    """
    return pgettext(
        "text message",
        "the account holder invites you to see who gets this phone's location. They can't see that, "
        "or what you choose. It's up to you: %(url)s To end these texts, reply STOP. That doesn't stop location "
        "sharing.",
    ) % {"url": f"{settings.BASE_URL}{reverse('invited')}"}


def delegate_invitation_text() -> str:
    """Return the text to somebody who is asked to look after another's line; it names nobody."""
    return pgettext(
        "text message",
        "someone asks you to be a trusted helper for their phone's location. To read what that "
        "means and say yes or no within 7 days, sign in with your own line: %(url)s",
    ) % {"url": f"{settings.BASE_URL}/lines/"}


def delegation_notice_text() -> str:
    """Return the text to a line that somebody was asked to look after it."""
    return pgettext(
        "text message",
        "on this phone's location pages, someone was asked to be a trusted helper. If you "
        "didn't ask, end it here: %(url)s",
    ) % {"url": f"{settings.BASE_URL}{reverse('delegates')}"}


def delegate_began_text() -> str:
    """Return the text to a line that somebody said yes to looking after it."""
    return pgettext(
        "text message",
        "someone you asked is now a trusted helper for this phone's location. You can end this at any time: %(url)s",
    ) % {"url": f"{settings.BASE_URL}{reverse('delegates')}"}


def delegate_ended_text() -> str:
    """Return the text to a line that somebody looks after it no more."""
    return pgettext(
        "text message", "someone is no longer a trusted helper for this phone's location. See who still is: %(url)s"
    ) % {"url": f"{settings.BASE_URL}{reverse('delegates')}"}


def contact_code_text(*, code: str) -> str:
    """Return the text that proves a safe number."""
    return pgettext(
        "text message",
        "%(code)s is your code to get alerts about a phone line at this number. It works for "
        "nothing else. If you did not ask for it, you can ignore this text.",
    ) % {"code": code}


def reading_code_text(*, code: str) -> str:
    """Return the text that carries a code to the safe contact of a line whose number has changed."""
    return pgettext(
        "text message",
        "%(code)s is your code to READ the pages of your other phone line, whose number has "
        "changed. It works for nothing else. We never ask you for it. If you did not ask for it, call us now at "
        "%(number)s.",
    ) % {"code": code, "number": number_to_call()}


def contact_changed_text() -> str:
    """Return the text to where news went until now; never where it goes."""
    return pgettext(
        "text message",
        "someone changed where we send alerts about this phone's location. Not you? Sign out everywhere: %(sessions)s",
    ) % {"sessions": _url("sign-ins")}


def alerts_off_text() -> str:
    """Return the last text to where news went, when whoever has the phone wants none any more."""
    return pgettext(
        "text message", "someone turned off alerts about this phone's location. Not you? Turn them on again: %(url)s"
    ) % {"url": _url("settings")}


def _url(name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name)}"


def fold_visits(*, events: Iterable[AuditEvent], reader: User) -> list[Visit]:
    """Return the access log, newest first, with a staff member's minutes of work as one visit."""
    visits: list[list[AuditEvent]] = []
    for event in events:
        if visits and _is_one_visit(visits[-1][-1], event):
            visits[-1].append(event)
        else:
            visits.append([event])
    return [Visit(tuple(entry(event=one, reader=reader) for one in visit)) for visit in visits]


def _is_one_visit(later: AuditEvent, event: AuditEvent) -> bool:
    return later.actor == event.actor and _is_staff(event) and later.at - event.at <= ONE_VISIT


def _is_staff(event: AuditEvent) -> bool:
    return event.actor.partition(":")[0] in {"agent", "officer", "auditor", "command"}


def entry(*, event: AuditEvent, reader: User) -> Entry:
    """Return an event of the audit trail in the words of the person whose log it is.

    An action without words is named.
    """
    kind = event.actor.partition(":")[0]
    # The account holder reads a child's log as well.
    own = event.actor in {f"subscriber:{reader.pk}", f"holder:{reader.pk}"}
    who = _("You") if own else str(WHO.get(kind, WHO["system"]))
    return Entry(
        at=event.at,
        who=who,
        what=_what(event),
        reason="" if event.reason in TAKEN else event.reason,
        by_staff=_is_staff(event),
    )


def _what(event: AuditEvent) -> str:
    if event.action.startswith("agent.") and "agent" in event.detail:
        return f"{WHAT[event.action]}: {event.detail['agent']}"
    if event.action == "partner.asked" and "company" in event.detail:
        return f"{WHAT[event.action]}: {event.detail['company']}"
    if event.action == "line.exported" and event.reason in TAKEN:
        return _("Took a copy: %(what)s") % {"what": TAKEN[event.reason]}
    return str(WHAT.get(event.action) or _("Did this: %(action)s") % {"action": event.action})
