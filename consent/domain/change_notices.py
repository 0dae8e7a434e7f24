"""Text a line about what changed: one table says which change is told, depending on who made it.

`docs/reference/notices.md` repeats the table. Texts wait in the transaction of the change and go to the line itself, to
nobody else: the holder of an adult's line is told of nothing, and of a child's line nothing but what they read on its
pages. They name no company and no choice.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import pgettext, pgettext_lazy

from accounts import queries
from accounts.actions import sms_outbox
from accounts.actions.incoming_texts import may_answer
from accounts.actions.sms_outbox import Recipients, enqueue_alerts
from accounts.domain.message_templates import language_of, number_to_call
from accounts.models import Line, Message
from accounts.policies import alerts
from accounts.policies.alerts import LineToText


class TextCommand(StrEnum):
    """What somebody texts for."""

    STOP_LOCATION = "stop_location"
    TEXTS_OFF = "texts_off"
    TEXTS_ON = "texts_on"
    NO = "no"
    HELP = "help"


class Answer(StrEnum):
    """What is answered to a text."""

    OFF = "off"
    ON = "on"
    HELP = "help"


# About texts, and not about location: each says so.
ANSWERS: Mapping[Answer, Promise] = {
    Answer.OFF: pgettext_lazy(
        "text message",
        "alerts by text are now off. This does NOT stop sharing of this phone's location. To stop "
        "sharing, reply STOP LOCATION. To get alerts again, reply START.",
    ),
    Answer.ON: pgettext_lazy(
        "text message",
        "you'll get alerts by text again. This changed nothing about your location. To stop sharing "
        "it, reply STOP LOCATION. To end alerts, reply STOP.",
    ),
    Answer.HELP: pgettext_lazy(
        "text message",
        "to stop sharing this phone's location, reply STOP LOCATION or go to %(stop)s To end alerts "
        "by text, reply STOP. That doesn't stop sharing. Questions? Call us at %(number)s.",
    ),
}


def confirm_stop(*, line_id: int, at: datetime, known: LineToText | None = None) -> None:
    """Tell a line that something was changed by its phone alone; `known`: the line as it has just been read."""
    kind = Message.Kind.STOPPED
    sms_outbox.enqueue_text(line_id=line_id, kind=kind, words=_in_words_of(kind), at=at, known=known)


def answer_stop(*, line_id: int, at: datetime) -> None:
    """Answer a phone that texted to stop: what that means, and how to undo it. A safe contact gets a confirmation."""
    known = alerts.read_line_to_text(line_id=line_id, at=at)
    kind = Message.Kind.REPLY
    words = _in_words_of(kind, path="/choices/")
    sms_outbox.enqueue_text(line_id=line_id, kind=kind, words=words, at=at, known=known)
    if known.has_contact:
        confirm_stop(line_id=line_id, at=at, known=known)


def confirm_answer(*, line_id: int, at: datetime) -> None:
    """Tell the phone whose code answered a company's question that it did, and where to change it."""
    kind = Message.Kind.ANSWERED
    sms_outbox.enqueue_text(line_id=line_id, kind=kind, words=_in_words_of(kind, path="/choices/"), at=at)


def answer_text(*, line_id: int, answer: Answer, at: datetime) -> None:
    """Answer what a phone texted. Only so often an hour."""
    if not may_answer(line_id=line_id, at=at):
        return
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = ANSWERS[answer] % {"stop": f"{settings.BASE_URL}/stop/", "number": number_to_call()}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.REPLY, words=text, at=at)


def notify_child(*, line_id: int, at: datetime) -> None:
    """Tell a child's line that the account holder changed something for it."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = pgettext(
            "text message",
            "the account holder changed who may get this phone's location. To see or stop it, sign in: %(url)s",
        ) % {"url": f"{settings.BASE_URL}/home/"}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.CHILD, words=text, at=at)


def notify_adult(*, line_id: int, at: datetime) -> None:
    """Tell a line that it is a child's no longer, and what that ended."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = pgettext(
            "text message",
            "from now on, you alone decide about this phone's location. The account holder no "
            "longer sees it, and what they allowed for you has ended. To see it or allow sharing yourself, sign "
            "in: %(url)s",
        ) % {"url": f"{settings.BASE_URL}/home/"}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.CHILD, words=text, at=at)


class _Wording(Protocol):
    def __call__(self, *, line_id: int, at: datetime) -> None: ...


class Change(StrEnum):
    """What happened to a line's choices, or to what is on record for it."""

    STOP = "stop"
    DISPUTE = "dispute"
    PAUSE = "pause"
    REFUSE = "refuse"
    ALLOW = "allow"
    PAUSE_OVER = "pause_over"
    RECORDS = "records"
    NUMBER = "number"
    SIGNAL = "signal"
    SIM = "sim"
    FORWARDING = "forwarding"
    HOLDER = "holder"
    STATE = "state"
    JOINED = "joined"
    TAKEN = "taken"
    ENDED = "ended"
    HISTORY = "history"


class Author(StrEnum):
    """Who made it, seen from the line."""

    PERSON = "person"  # whoever signs in by this line
    PHONE = "phone"  # whoever has its phone, by a texted code alone
    HOLDER = "holder"  # the account holder, on a child's line or on another one of their own
    DELEGATE = "delegate"  # whom the line's user asked to look after it
    STAFF = "staff"
    FILE = "file"
    PORTAL = "portal"  # this portal, by itself


CHOSEN = (Change.STOP, Change.DISPUTE, Change.PAUSE, Change.REFUSE, Change.ALLOW)
# What the carrier's record says of a line that may be somebody else's doing, besides a new number.
MOVED = (
    Change.SIM, Change.FORWARDING, Change.HOLDER, Change.STATE, Change.JOINED, Change.TAKEN, Change.ENDED,
    Change.HISTORY,
)  # fmt: skip
# Of which a line may have many in a day that are all its person's own: so often each is told. The rest always is.
AT_MOST = {Change.SIM: 5, Change.FORWARDING: 5, Change.STATE: 5, Change.HISTORY: 5}
RECIPIENTS = {Change.NUMBER: Recipients.OLD_NUMBER_AND_CONTACT}
# What is not here is told to nobody: whoever said it themselves has just read it.
TOLD: Mapping[tuple[Change, Author], Message.Kind] = {
    **{(change, Author.PERSON): Message.Kind.CONFIRMED for change in (Change.STOP, Change.DISPUTE, Change.PAUSE)},
    (Change.STOP, Author.PHONE): Message.Kind.STOPPED,
    **{(change, Author.HOLDER): Message.Kind.CHILD for change in CHOSEN},
    **{(change, Author.DELEGATE): Message.Kind.DELEGATE for change in (Change.STOP, Change.PAUSE)},
    **{(change, Author.STAFF): Message.Kind.STAFF for change in CHOSEN},
    (Change.STOP, Author.PORTAL): Message.Kind.SUSPENDED,
    (Change.PAUSE_OVER, Author.PORTAL): Message.Kind.PAUSE_OVER,
    (Change.RECORDS, Author.FILE): Message.Kind.RECORDS,
    (Change.NUMBER, Author.FILE): Message.Kind.NUMBER,
    **{(change, Author.FILE): Message.Kind.MOVED for change in MOVED},
    # Nobody pressed a button for it, whoever came in.
    **{(Change.SIGNAL, who): Message.Kind.SIGNAL for who in (Author.PHONE, Author.PERSON)},
}
# What is said besides that something changed.
OF_ITS_OWN: Mapping[Message.Kind, _Wording] = {Message.Kind.CHILD: notify_child}
# Whatever was chosen: whoever reads the text may not be meant to know.
_CONFIRMED = pgettext_lazy(
    "text message",
    "the change you made for this phone's location is in force. If it wasn't you, sign in and check: %(url)s",
)
# That something changed, and where to read it.
WORDS: Mapping[Message.Kind, Promise] = {
    Message.Kind.REPLY: pgettext_lazy(
        "text message",
        "all sharing of this phone's location is now off. Services you agreed to, like roadside "
        "help, can't find you until they're allowed again. 911 still can. To see or undo this, sign in: "
        "%(url)s",
    ),
    Message.Kind.SUSPENDED: pgettext_lazy(
        "text message",
        "our records show that a company looked up this phone's location when it shouldn't "
        "have. It gets nothing more unless you allow it. To see what happened, sign in: %(url)s",
    ),
    Message.Kind.CONFIRMED: _CONFIRMED,
    Message.Kind.STOPPED: _CONFIRMED,
    Message.Kind.SIGNED: pgettext_lazy(
        "text message",
        "every company we told about your choice has signed that it did what we asked. See what each one "
        "signed: %(url)s",
    ),
    Message.Kind.LATE: pgettext_lazy(
        "text message",
        "a company we told about your choice missed its deadline to sign that it did what we asked. Your "
        "choice still applies. See which company: %(url)s",
    ),
    Message.Kind.STAFF: pgettext_lazy(
        "text message",
        "our staff changed who may get this phone's location. Someone who proved they have this "
        "phone asked for it. To see or undo it, sign in: %(url)s",
    ),
    Message.Kind.DELEGATE: pgettext_lazy(
        "text message",
        "a trusted helper for this phone's location changed something. To see it, or to end their "
        "access, sign in: %(url)s",
    ),
    Message.Kind.PAUSE_OVER: pgettext_lazy(
        "text message",
        "a time limit on sharing this phone's location has ended. To see what applies now or stop "
        "sharing, sign in: %(url)s",
    ),
    Message.Kind.RECORDS: pgettext_lazy(
        "text message",
        "our records of who may get this phone's location have changed. To see or stop it, sign in: %(url)s",
    ),
    Message.Kind.SIGNAL: pgettext_lazy(
        "text message",
        "your browser's privacy signal (Global Privacy Control) changed who may get this phone's location. To see or "
        "undo it, sign in: %(url)s",
    ),
    Message.Kind.ANSWERED: pgettext_lazy(
        "text message",
        "someone answered a company's question with a code texted to this phone. To see or change the answer, sign "
        "in: %(url)s",
    ),
    Message.Kind.NUMBER: pgettext_lazy(
        "text message",
        "this phone has a new number. What you agreed to with the old number no longer applies. To "
        "see more, sign in: %(url)s",
    ),
}
# A child's phone is promised nothing that only the account holder can do.
WORDS_FOR_A_CHILD: Mapping[Message.Kind, Promise] = {
    Message.Kind.REPLY: pgettext_lazy(
        "text message",
        "all sharing of this phone's location is now off. Services like roadside help can't find you "
        "until the account holder allows them again. 911 still can. To see this, sign in: %(url)s",
    ),
    Message.Kind.SUSPENDED: pgettext_lazy(
        "text message",
        "our records show that a company looked up this phone's location when it shouldn't have. It gets "
        "nothing more unless the account holder allows it. To see what happened, sign in: %(url)s",
    ),
    Message.Kind.STAFF: pgettext_lazy(
        "text message",
        "our staff changed who may get this phone's location. Someone who proved they have this phone "
        "asked for it. To see what changed, sign in: %(url)s",
    ),
    Message.Kind.SIGNAL: pgettext_lazy(
        "text message",
        "your browser's privacy signal (Global Privacy Control) changed who may get this phone's location. To see what "
        "changed, sign in: %(url)s",
    ),
}
# What may be the doing of somebody who takes the line over. Never says to what it was changed.
MOVES: Mapping[Change, Promise] = {
    Change.NUMBER: pgettext_lazy(
        "text message",
        "our records now show another number for your phone line. If you didn't ask for this, call "
        "us now at %(number)s. For 24 hours the new number alone opens none of the line's location pages.",
    ),
    Change.SIM: pgettext_lazy(
        "text message",
        "our records now show another SIM for your phone line. If you didn't ask for this, call us "
        "now at %(number)s. For 24 hours nobody can open the line's location pages.",
    ),
    Change.FORWARDING: pgettext_lazy(
        "text message",
        "our records now show new call forwarding for your phone line. If you didn't ask for this, "
        "call us now at %(number)s. For 24 hours nobody can open the line's location pages.",
    ),
    Change.HOLDER: pgettext_lazy(
        "text message",
        "our records now show another account or account holder for your phone line. If you didn't "
        "ask for this, call us now at %(number)s.",
    ),
    Change.STATE: pgettext_lazy(
        "text message",
        "our records now show a new state for your phone line. Its laws allow sharing that your old "
        "state's don't. If the new state is wrong, call us now at %(number)s.",
    ),
    Change.JOINED: pgettext_lazy(
        "text message",
        "our records now show that the account holder has a new line on your account. In 24 hours "
        "that line can open this line's location pages and allow sharing. If you didn't ask for this, call us "
        "now at %(number)s.",
    ),
    Change.TAKEN: pgettext_lazy(
        "text message",
        "our records now show this number on another phone line, so what you stopped before may no longer "
        "apply. If you've just got this number, that's right. If you've had it for longer, call us now at "
        "%(number)s and stop sharing again.",
    ),
    Change.ENDED: pgettext_lazy(
        "text message",
        "our records now show that your phone line has ended. If you didn't ask for this, call us now at %(number)s.",
    ),
    Change.HISTORY: pgettext_lazy(
        "text message",
        "our records now show that a number of yours belonged to another line for a time. That part "
        "of your location history has moved to that line, and nobody can open it for 24 hours. If this is wrong, call "
        "us now at %(number)s.",
    ),
}
ACTORS = {
    "line": Author.PHONE,
    "delegate": Author.DELEGATE,
    "agent": Author.STAFF,
    "officer": Author.STAFF,
    "import": Author.FILE,
    "client": Author.FILE,
    "system": Author.PORTAL,
}


def read_line_to_text(*, line_id: int, actor: str, at: datetime) -> alerts.LineToText:
    """Read a line with all that decides whether and how it is texted of what this actor of the ledger changes."""
    return alerts.read_line_to_text(line_id=line_id, at=at, user_id=queries.get_subscriber_id(actor=actor))


def notify_of_change(
    *, line_id: int, change: Change, actor: str, at: datetime, known: alerts.LineToText | None = None
) -> None:
    """Have the line texted of a change, if the table says so; once the transaction is committed.

    `known`: the line as `read_line_to_text` here has just read it.
    """
    known = known or read_line_to_text(line_id=line_id, actor=actor, at=at)
    kind = TOLD.get((change, _get_author(known, actor)))
    if kind is None or (kind == Message.Kind.CONFIRMED and known.was_confirmed):
        return
    if kind in OF_ITS_OWN:
        OF_ITS_OWN[kind](line_id=line_id, at=at)
    else:
        sms_outbox.enqueue_text(line_id=line_id, kind=kind, words=_in_words_of(kind), at=at, known=known)


def notify_of_outcome(*, line_id: int, kind: Message.Kind, at: datetime) -> None:
    """Tell a line that the last company has signed what it was asked to do, or that one is late."""
    sms_outbox.enqueue_text(line_id=line_id, kind=kind, words=_in_words_of(kind), at=at)


def notify_of_imported_changes(*, line_ids: Collection[int], change: Change, at: datetime) -> None:
    """Tell many lines what files changed: each at most once a day, and not on its first day."""
    kind = TOLD[change, Author.FILE]
    enqueue_alerts(line_ids=line_ids, kind=kind, words=_in_words_of(kind), at=at)


def notify_of_line_moves(
    *, lines: Collection[Line], change: Change, numbers: Mapping[int, str] | None = None, at: datetime
) -> None:
    """Warn persons, wherever they can be reached, that the carrier's record says that their lines have moved.

    Call it before a new number is stored. `numbers`: by line, the one to warn instead, and no other.
    """
    to = numbers if numbers is not None else RECIPIENTS.get(change, Recipients.PHONE_AND_CONTACT)
    words = _format_by_language(lambda: str(MOVES[change]) % {"number": number_to_call()})
    sms_outbox.enqueue_warnings(lines=lines, words=words, of=change, to=to, at_most=AT_MOST.get(change), at=at)


def _get_author(known: alerts.LineToText, actor: str) -> Author:
    kind = actor.partition(":")[0]
    if kind != "subscriber":
        return ACTORS.get(kind, Author.STAFF)
    return Author.HOLDER if known.is_others else Author.PERSON


def _in_words_of(kind: Message.Kind, *, path: str = "/home/") -> Callable[[Line], str]:
    url = {"url": f"{settings.BASE_URL}{path}"}
    for_an_adult = _format_by_language(lambda: str(WORDS[kind]) % url)
    for_a_child = _format_by_language(lambda: str(WORDS_FOR_A_CHILD.get(kind, WORDS[kind])) % url)
    return lambda line: (for_a_child if line.user_role == Line.UserRole.MINOR else for_an_adult)(line)


def _format_by_language(words: Callable[[], str]) -> Callable[[Line], str]:
    said: dict[str, str] = {}

    def in_words(line: Line) -> str:
        language = language_of(line)
        if language not in said:
            with translation.override(language):
                said[language] = words()
        return said[language]

    return in_words
