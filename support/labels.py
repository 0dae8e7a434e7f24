"""What cases are about, in a person's words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from support.models import Ticket

TOPIC: Mapping[Ticket.Kind, str | Promise] = {
    Ticket.Kind.DISPUTE: gettext_lazy("I never agreed"),
    Ticket.Kind.LOOK_UP: gettext_lazy("About one look-up"),
    Ticket.Kind.CHOICE: gettext_lazy("About a choice"),
    Ticket.Kind.ORDER: gettext_lazy("About a message to a company"),
    Ticket.Kind.STILL_HAVE: gettext_lazy("A company still has my data"),
    Ticket.Kind.SIGN_IN: gettext_lazy("I have trouble signing in"),
    Ticket.Kind.OTHER: gettext_lazy("Something else"),
}
