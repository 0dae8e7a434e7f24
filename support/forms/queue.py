"""Narrow the queue, assign, hand over and merge cases, and choose the days of the team's figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.forms import refuse_reversed
from support.forms.acting import DayField, StaffForm
from support.models import LONGEST, Ticket
from support.policies.lifecycle import UNDER_WAY
from support.queries.names import get_staff_name
from support.queries.queue import (
    ANY,
    DUE,
    DUE_LAST,
    GIVEN,
    GONE,
    MENTIONED,
    MINE,
    NEWEST,
    NOBODY,
    OFFICE,
    OLDEST,
    ORDERS,
    OURS,
    PEOPLE,
    PRIORITY,
    PRIORITY_LAST,
    QUEUES,
    QueueFilter,
    code_in,
    colleagues,
)
from support.queries.team_metrics import Span

LONGEST_SEARCH = 200
type Words = str | Promise

# The columns that the queue may be sorted by, each with its two orders.
SORTED_BY: tuple[tuple[Words, Mapping[str, Words]], ...] = (
    (_("Due"), {DUE: _("Due first"), DUE_LAST: _("Due last")}),
    (_("Priority"), {PRIORITY: _("Most urgent first"), PRIORITY_LAST: _("Least urgent first")}),
    (_("Opened"), {NEWEST: _("Newest first"), OLDEST: _("Oldest first")}),
)
# What says where in the list a page stands, and narrows nothing.
PLACING = frozenset({"sort", "after"})


class QueueForm(forms.Form):
    """The filters of the queue, all optional; they stand in the address. What does not make sense filters nothing.

    Where no filter is given, not even that every kind is wanted, it is the queue of what people wrote.
    """

    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Under way")), *Ticket.State.choices, (ANY, _("Every state"))]
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[
        ("", _("Every kind")), (PEOPLE, _("From people")), (OURS, _("Incidents and partners")), *Ticket.Kind.choices,
    ])  # fmt: skip
    priority = forms.TypedChoiceField(
        label=_("Priority"), required=False, coerce=int, empty_value=None,
        choices=[("", _("Every priority")), *Ticket.Priority.choices],
    )  # fmt: skip
    company = forms.CharField(label=_("Company"), required=False, max_length=100)
    whose = forms.ChoiceField(label=_("Assigned to"), required=False)
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("Every language")), *settings.LANGUAGES]
    )
    sort = forms.ChoiceField(required=False, choices=[(one, one) for one in ORDERS], widget=forms.HiddenInput)
    used = forms.ChoiceField(
        label=_("Time used"), required=False,
        choices=[("", _("Any")), ("half", _("Half, but less than 90%")), ("nearly", _("90% or more, not overdue"))],
    )  # fmt: skip
    overdue = forms.BooleanField(label=_("Only overdue"), required=False)
    after = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any]) -> None:
        is_plain = "kind" not in data and not any(data.get(name) for name in self.base_fields if name not in PLACING)
        # The last value of each: unpacked, a query has lists of them.
        given = {name: data.get(name) for name in data}
        super().__init__(given | {"kind": PEOPLE} if is_plain else given, label_suffix="")
        people = [(str(one.pk), get_staff_name(user=one)) for one in colleagues()]
        whose = [
            ("", _("Everyone")),
            (MINE, _("Mine")),
            (GIVEN, _("Given to me, not opened yet")),
            (MENTIONED, _("A note mentions me")),
            (NOBODY, _("Unassigned")),
            (OFFICE, _("The privacy office’s")),
            *people,
            (GONE, _("Former staff")),
        ]
        self.fields["whose"] = forms.ChoiceField(label=_("Assigned to"), required=False, choices=whose)

    def build_filter(self) -> QueueFilter:
        """The filters that make sense."""
        self.full_clean()
        return QueueFilter(**{**self.cleaned_data, "sort": self.cleaned_data.get("sort") or DUE})

    def get_criteria(self) -> dict[str, str]:
        """What narrows the queue, by the names of the page in English. The queues have buttons, and aren't searches."""
        with translation.override("en"):
            said = {name: self.cleaned_data.get(name) for name in self.fields if name not in PLACING}
            if said["kind"] in QUEUES:
                del said["kind"]
            return {str(self.fields[name].label): self._name(name, value) for name, value in said.items() if value}

    def _name(self, name: str, value: object) -> str:
        """A value as the page calls it."""
        choices = dict(getattr(self.fields[name], "choices", ()))
        return "yes" if value is True else str(choices.get(value) or choices.get(str(value)) or value)


@dataclass(frozen=True)
class SortLink:
    """By what the queue may be sorted; `words`: how it is sorted now, "" where it is not sorted by this.

    `query`: sorts by this, or the other way round where it is sorted by this.
    """

    label: str
    query: str
    words: str
    goes_up: bool


def list_sort_links(*, asked: QueueFilter, given: QueryDict) -> list[SortLink]:
    """Return the columns that the queue may be sorted by. `given`: what the address has."""
    is_done = asked.state not in {"", *UNDER_WAY}
    return [
        _link(str(label), orders, asked.order, given) for label, orders in SORTED_BY if NEWEST in orders or not is_done
    ]


def _link(label: str, orders: Mapping[str, Words], order: str, given: QueryDict) -> SortLink:
    first, turned = orders
    query = given.copy()
    query.pop("after", None)
    query["sort"] = turned if order == first else first
    return SortLink(label, query.urlencode(), str(orders.get(order, "")), not ORDERS[order][0].startswith("-"))


class SearchForm(forms.Form):
    """What somebody looks for. It is sent, not asked for by an address: it may be about a person."""

    q = forms.CharField(max_length=LONGEST_SEARCH, required=False)
    before = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)


class WhoseForm(StaffForm):
    """To whom a case goes; nobody: back in the queue."""

    to = forms.TypedChoiceField(label=_("To"), required=False, coerce=int, empty_value=None)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="", auto_id=f"id_{type(self).__name__.lower()}_%s")
        people = [(str(one.pk), get_staff_name(user=one)) for one in colleagues()]
        self.fields["to"] = forms.TypedChoiceField(
            label=_("To"), required=False, coerce=int, empty_value=None,
            choices=[("", _("Back in the queue")), *people],
        )  # fmt: skip


class AssignForm(WhoseForm):
    """By a lead, whoever has it."""


class HandOverForm(WhoseForm):
    """By whoever has it."""

    note = forms.CharField(
        label=_("How it stands"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A note for the next agent. The person can't see it."),
    )  # fmt: skip


class MergeForm(StaffForm):
    """Into which case another goes."""

    into = forms.CharField(
        label=_("Code of the case to merge into"), max_length=12,
        help_text=_("A case of the same person. This case ends, and its messages appear in that one."),
    )  # fmt: skip

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="")

    def clean_into(self) -> str:
        """As codes are written, however it was typed."""
        typed = str(self.cleaned_data["into"]).strip()
        return code_in(typed) or typed


class SpanForm(StaffForm):
    """The first day and the last."""

    since = DayField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = DayField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Mapping[str, Any], *, usual: Span) -> None:
        """A day that is not said is the usual one."""
        given = {name: data.get(name) or getattr(usual, name) for name in ("since", "until")}
        super().__init__(given, label_suffix="")

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        cleaned = super().clean() or {}
        refuse_reversed(self)
        return cleaned
