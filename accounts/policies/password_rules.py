"""Words that anybody would try first at this site: a password made of little else is refused.

The site's own words, the carrier's (BASE_URL's host, PASSWORD_WORDS), and of whoever chooses it the number, the names
and the e-mail address. docs/explanation/security.md lists them.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Line, LineUser, User
from accounts.primitives.sealing import unseal_to_show

OURS = frozenset(
    {"whereabouts", "location", "locations", "privacy", "tracking", "track", "stop", "phone", "wireless", "mobile",
     "carrier", "password", "passwort", "contraseña", "welcome", "support", "officer", "admin"}
)  # fmt: skip
# What is left of a password without these words has to be as long as the shortest that anybody may have elsewhere.
LEAST_LEFT = 8
SHORTEST_WORD, SHORTEST_PART_OF_NUMBER = 3, 7
LOOKALIKES = str.maketrans("013457@$!", "oieastasi")
PARTS = re.compile(r"[^\W_]+")


class OwnWords:
    """A validator of Django's: refuses what is made mostly of words of this site or of its person."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError where too little is left without them."""
        words = [*_of_the_site(), *(_of_person(user) if isinstance(user, User) and user.pk else [])]
        plain = password.casefold()
        if min(_count_remaining(plain, words), _count_remaining(plain.translate(LOOKALIKES), words)) < LEAST_LEFT:
            said = _(
                "This password is easy to guess: it is made of words from this site, or your name, e-mail or "
                "number. Add other words."
            )
            raise ValidationError(said, code="password_of_own_words")

    def get_help_text(self) -> str:
        """Return what is asked of a password, for whoever chooses one."""
        return _("Your password can’t be made of words from this site, or your name, e-mail or number.")


def _count_remaining(password: str, words: Iterable[str]) -> int:
    """How many letters and digits are left of it; the longest words go first."""
    for word in sorted(set(words), key=len, reverse=True):
        password = password.replace(word, " ")
    return sum(len(part) for part in PARTS.findall(password))


def _of_the_site() -> list[str]:
    host = urlsplit(settings.BASE_URL).hostname or ""
    return [*OURS, *_parts(host), *(word.casefold() for word in settings.PASSWORD_WORDS)]


def _of_person(user: User) -> list[str]:
    found = _parts(" ".join((user.first_name, user.last_name, user.email)))
    for held in LineUser.objects.filter(user=user, until__isnull=True).select_related("line"):
        # Of another adult's line the name is somebody else's.
        if held.line.user_role == Line.UserRole.HOLDER:
            found += _parts(unseal_to_show(held.line.holder_name_sealed))
        for number in held.line.numbers.all():
            digits = "".join(filter(str.isdigit, unseal_to_show(number.msisdn_sealed)))
            found += [digits[start:] for start in range(len(digits) - SHORTEST_PART_OF_NUMBER + 1)]
    return found


def _parts(text: str) -> list[str]:
    return [part for part in PARTS.findall(text.casefold()) if len(part) >= SHORTEST_WORD]
