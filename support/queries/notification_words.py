"""What waits for staff, in words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

# By the kind of notification: of one, and of several.
NOTIFICATIONS: Mapping[str, tuple[str | Promise, str | Promise]] = {
    "own_cases": (gettext_lazy("overdue case assigned to you"), gettext_lazy("overdue cases assigned to you")),
    "own_nearly": (
        gettext_lazy("case assigned to you with 90% of its time used"),
        gettext_lazy("cases assigned to you with 90% of their time used"),
    ),
    "own_half": (
        gettext_lazy("case assigned to you with half of its time used"),
        gettext_lazy("cases assigned to you with half of their time used"),
    ),
    "given": (
        gettext_lazy("case that a colleague gave you, not opened yet"),
        gettext_lazy("cases that colleagues gave you, not opened yet"),
    ),
    "mentions": ("note that mentions you", "notes that mention you"),
    "mentioned": (
        gettext_lazy("case with a note that mentions you"),
        gettext_lazy("cases with a note that mentions you"),
    ),
    "canary": ("failure of the hourly stop test", "failures of the hourly stop test"),
    "overdue": ("incident past its notification deadline", "incidents past their notification deadline"),
    "nearly": ("notification deadline with 90% of the time used", "notification deadlines with 90% of the time used"),
    "separations": (
        "line separation to work on, within two business days",
        "line separations to work on, each within two business days",
    ),
    "half": ("notification deadline with half of the time used", "notification deadlines with half of the time used"),
    "partner": ("incident about a deadline that a partner missed", "incidents about deadlines that partners missed"),
    "escalated": ("case that the desk escalated", "cases that the desk escalated"),
    "proposals": ("proposal waiting for a second officer", "proposals waiting for a second officer"),
    "requests": ("suspension request from the desk", "suspension requests from the desk"),
}
