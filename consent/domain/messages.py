"""Texts about choices. They wait in the transaction of the choice, go to the line itself, and name no company."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import sms_outbox
from accounts.actions.incoming_texts import may_answer
from accounts.domain.message_templates import language_of, number_to_call
from accounts.models import Line, Message
from accounts.policies.alerts import LineToText
from consent.models import ConsentRequest


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
    Answer.OFF: gettext_lazy(
        "Whereabouts: alerts by text are now off. This does NOT stop sharing of this phone's location. To stop "
        "sharing, reply STOP LOCATION. To get alerts again, reply START."
    ),
    Answer.ON: gettext_lazy(
        "Whereabouts: you'll get alerts by text again. This changed nothing about your location. To stop sharing "
        "it, reply STOP LOCATION. To end alerts, reply STOP."
    ),
    Answer.HELP: gettext_lazy(
        "Whereabouts: to stop sharing this phone's location, reply STOP LOCATION or go to %(stop)s To end alerts "
        "by text, reply STOP. That doesn't stop sharing. Questions? Call us at %(number)s."
    ),
}


def confirm_stop(*, line_id: int, at: datetime, by_text: bool = False, known: LineToText | None = None) -> None:
    """Tell a line that it was stopped without sign-in, what else that means, and how to undo it.

    A phone that asked `by_text` is answered even where its person wants no such alerts: no page tells them. `known`:
    the line as it has just been read.
    """
    otherwise = Message.Kind.REPLY if by_text else None
    sms_outbox.enqueue_text(
        line_id=line_id, kind=Message.Kind.STOPPED, words=_format_stop_text, at=at, otherwise=otherwise, known=known
    )


def _format_stop_text(line: Line) -> str:
    with translation.override(language_of(line)):
        return _(
            "Whereabouts: all sharing of this phone's location is now off. Services you agreed to, like roadside "
            "help, can't find you until you allow them again. 911 still can. To see or undo this, sign in: "
            "%(url)s"
        ) % {"url": f"{settings.BASE_URL}/choices/"}


def confirm_answer(*, line_id: int, answer: ConsentRequest.Answer, at: datetime) -> None:
    """Tell the phone whose code answered a company's question what that means, and how to change it."""
    url = f"{settings.BASE_URL}/choices/"
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        if answer == ConsentRequest.Answer.NO:
            text = _(
                "Whereabouts: you said no to a company that asked to find a phone. It can't find it, and no "
                "company may ask again for 12 months. What you allowed before stays as it was. To see or undo "
                "this, sign in: %(url)s"
            ) % {"url": url}
        else:
            text = _(
                "Whereabouts: you said yes to a company that asked to find a phone. Nothing else changed. To see "
                "or stop this, sign in: %(url)s Or stop all sharing: %(stop)s"
            ) % {"url": url, "stop": f"{settings.BASE_URL}/stop/"}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.ANSWERED, words=text, at=at)


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
        text = _(
            "Whereabouts: the account holder changed who may get this phone's location. To see or stop it, sign "
            "in: %(url)s"
        ) % {"url": f"{settings.BASE_URL}/home/"}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.CHILD, words=text, at=at)


def notify_adult(*, line_id: int, at: datetime) -> None:
    """Tell a line that it is a child's no longer, and what that ended."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = _(
            "Whereabouts: from now on, you alone decide about this phone's location. The account holder no "
            "longer sees it, and what they allowed for you has ended. To see it or allow sharing yourself, sign "
            "in: %(url)s"
        ) % {"url": f"{settings.BASE_URL}/home/"}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.CHILD, words=text, at=at)


def notify_of_suspension(*, line_id: int, at: datetime) -> None:
    """Tell a line that we stopped a company for it by ourselves. Like every text it names no company."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = _(
            "Whereabouts: our records show that a company looked up this phone's location when it shouldn't "
            "have. It gets nothing more unless you allow it. To see what happened, sign in: %(url)s"
        ) % {"url": f"{settings.BASE_URL}/home/"}
    sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.SUSPENDED, words=text, at=at)
