"""Texts about choices. They wait in the transaction of the choice, go to the line itself, and name no company."""

from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import actions
from accounts.models import Line, Message
from accounts.wording import language_of


def confirm_stop(*, line_id: int, at: datetime) -> None:
    """Tell a line that it was stopped without sign-in, what else that means, and how to undo it."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = _(
            "Whereabouts: all sharing of this phone's location is now off. Services you agreed to that find you, like "
            "roadside help, can't until you allow them again. 911 still can. To see or undo it, sign in: %(url)s"
        ) % {"url": f"{settings.BASE_URL}/choices/"}
    actions.post(line_id=line_id, kind=Message.Kind.STOPPED, words=text, at=at)


def tell_the_child(*, line_id: int, at: datetime) -> None:
    """Tell a child's line that the account holder changed something for it."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = _(
            "Whereabouts: the account holder changed who may get this phone's location. "
            "To see it, or to stop it, sign in: %(url)s"
        ) % {"url": f"{settings.BASE_URL}/home/"}
    actions.post(line_id=line_id, kind=Message.Kind.CHILD, words=text, at=at)


def tell_of_suspension(*, line_id: int, at: datetime) -> None:
    """Tell a line that we stopped a company for it by ourselves. Like every text it names no company."""
    with translation.override(language_of(Line.objects.get(pk=line_id))):
        text = _(
            "Whereabouts: our records show that a company looked up this phone's location when it should not have. "
            "It gets nothing more until you allow it. To see what happened, sign in: %(url)s"
        ) % {"url": f"{settings.BASE_URL}/home/"}
    actions.post(line_id=line_id, kind=Message.Kind.SUSPENDED, words=text, at=at)
