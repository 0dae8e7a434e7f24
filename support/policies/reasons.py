"""Why staff look at what is one person's: a kind from a list, and a case or words of their own."""

import re

from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.primitives.reasons import BLANK, CASE_CODE, NoReason, check_reason

WORD = re.compile(r"[^\W\d_]{2,}")


class LookKind(models.TextChoices):
    """Why staff look at what is one person's."""

    CALL = "call", gettext_lazy("To call or write to the person")
    PROVE = "prove", gettext_lazy("To check that it is the person who asks")
    FAULT = "fault", gettext_lazy("To find out what went wrong")
    REVIEW = "review", gettext_lazy("To check how we work")
    OTHER = "other", gettext_lazy("Something else")


def look_reason(*, kind: str, words: str, case: str = "") -> str:
    """Return the reason for a look as the trail keeps it, in English: its kind, then what staff wrote of their own.

    `case`: the code of the case in which they look; "" outside of one, where the words name a case or say why.

    Raises: NoReason where the kind is none of the list, where there is neither a case nor words, or for what
    `check_reason` refuses.
    """
    if kind not in LookKind.values:
        raise NoReason(_("Choose what you look for."))
    own = check_reason(words) if words.strip() else ""
    says_why = len(WORD.findall(own.translate(BLANK))) > 1
    if not says_why and (kind == LookKind.OTHER or not (case or CASE_CODE.search(own))):
        raise NoReason(_("Name the case, or say why in a few words of your own."))
    with translation.override("en"):
        label = str(LookKind(kind).label)
    return f"{label}: {own}" if own else label
