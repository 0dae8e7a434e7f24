"""Put into words what acts were about and who acted; and find lines that take two of staff to see."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy

from accounts.domain.sentences import Tag
from accounts.models import Separation, User
from accounts.policies import delegations
from accounts.policies.permissions import StaffAction, staff_may
from accounts.primitives import numbers
from audit.models import Incident
from disclosures.models import AnomalyRule, Upload
from partners.labels import party_name, purpose_in_words, sanitise_text
from partners.models import AuthorizedAgent, Campaign, Client, Contract, JurisdictionRule, NoticeText, Party
from revocations.models import State, Stream
from support.models import ProtectedLine, Reveal, SavedReply, Ticket

STAFF = ("officer", "agent", "auditor", "legal")
MACHINES = {
    "system": gettext_lazy("The system"), "partner": gettext_lazy("Partner"), "import": gettext_lazy("Carrier file"),
    "job": gettext_lazy("The system"), "command": gettext_lazy("The operator"),
}  # fmt: skip

# How far an order to a partner is.
ORDER_TAGS: Mapping[str, Tag] = {
    State.QUEUED: Tag("warn", gettext_lazy("Waiting to send")),
    State.SENT: Tag("plain", gettext_lazy("Sent")),
    State.ACKNOWLEDGED: Tag("plain", gettext_lazy("Received")),
    State.COMPLETED: Tag("good", gettext_lazy("Signed as done")),
    State.PARTIAL: Tag("warn", gettext_lazy("Signed in part")),
    State.SUPERSEDED: Tag("plain", gettext_lazy("Replaced by a newer order")),
    State.PARKED: Tag("warn", gettext_lazy("On hold: we are looking into it")),
    State.REJECTED: Tag("bad", gettext_lazy("Refused by the partner")),
    State.CONTRADICTED: Tag("bad", gettext_lazy("Continued after signing")),
}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What a kind of target is called on a page, where that is another word than in an address.
KINDS = {
    "party": "company", "machine": "API client", "authorized": "authorized agent", "anomaly": "anomaly rule",
    "rule": "state rule", "protection": "line protection", "import": "file import", "anomaly_rule": "anomaly rule",
    "agent_request": "request through an agent", "canned": "saved reply", "client": "API client",
    "cohort": "termination", "delay": "court order", "digest": "reconciliation run", "feed": "carrier file",
    "notifications": "own notifications", "reply": "reply to many cases", "saved_view": "own saved view",
    "stream": "delivery", "test_line": "test line", "tightening": "stop", "user": "account",
}  # fmt: skip
# Which page of the console each has.
PAGES = {
    "party": "party", "contract": "contract", "campaign": "campaign", "machine": "machine",
    "authorized": "authorized-agent", "import": "import",
}  # fmt: skip


@dataclass(frozen=True)
class NamedTarget:
    """A target with its name.

    `kind` is party, contract, campaign, rule, machine, authorized (an agent) or anomaly (a rule for those).
    """

    kind: str
    id: int
    name: str
    known: bool = True

    @property
    def kind_name(self) -> str:
        """What its kind is called on a page."""
        return KINDS.get(self.kind, self.kind)

    @property
    def page(self) -> str:
        """The name of its page's address in the console; "" where it has none."""
        return f"admin:{PAGES[self.kind]}" if self.known and self.kind in PAGES else ""


def targets(*, wanted: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], NamedTarget]:
    """Names of parties, contracts, campaigns, rules, machines (by their number), rules for anomalies by (kind, id).

    At most one statement for each kind.
    """
    by_kind: dict[str, set[int]] = {}
    for kind, target_id in wanted:
        by_kind.setdefault(kind, set()).add(target_id)
    found = {
        (kind, target_id): NamedTarget(kind, target_id, name)
        for kind, ids in by_kind.items()
        for target_id, name in _names(kind, ids).items()
    }
    return found | {
        (kind, target_id): NamedTarget(kind, target_id, f"{KINDS.get(kind, kind)} {target_id}", known=False)
        for kind, ids in by_kind.items()
        for target_id in ids
        if (kind, target_id) not in found
    }


def subjects(*, wanted: Iterable[str]) -> Mapping[str, str]:
    """Return what to call targets ("stream:…", "incident:5") that `targets` has no names for. Never a bare id.

    At most one statement for each kind.
    """
    by_kind: dict[str, set[str]] = {}
    for one in wanted:
        kind, _, own = one.partition(":")
        by_kind.setdefault(kind, set()).add(own)
    found = {kind: SUBJECTS[kind](ids) if kind in SUBJECTS else {} for kind, ids in by_kind.items()}
    return {
        f"{kind}:{own}": found[kind].get(own) or _format_kind(kind, own) for kind, ids in by_kind.items() for own in ids
    }


def _format_kind(kind: str, own: str) -> str:
    """The kind in words, with its own name where that is a word and no id."""
    name = "" if own.isdecimal() or UUID.fullmatch(own) else own
    return sanitise_text(f"{KINDS.get(kind, kind.replace('_', ' '))} {name}".strip(), at_most=80)


def _streams(ids: Collection[str]) -> Mapping[str, str]:
    partners = dict(Stream.objects.filter(pk__in=ids).values_list("pk", "party_id"))
    called = _names("party", partners.values())
    return {str(pk): f"delivery to {called[party_id]}" for pk, party_id in partners.items() if party_id in called}


def _incidents(ids: Collection[str]) -> Mapping[str, str]:
    rows = Incident.objects.filter(pk__in=ids).only("kind")
    return {str(one.pk): f"incident: {one.get_kind_display()}" for one in rows}


def _accounts(ids: Collection[str]) -> Mapping[str, str]:
    """Of staff alone."""
    rows = User.objects.filter(pk__in=ids).exclude(role=User.Role.SUBSCRIBER).values_list("pk", "email")
    return {str(pk): f"account of {mail}" for pk, mail in rows}


def _anomaly_rules(kinds: Collection[str]) -> Mapping[str, str]:
    return {kind: f"anomaly rule: {AnomalyRule.Kind(kind).label}" for kind in kinds if kind in AnomalyRule.Kind.values}


def _notices(marks: Collection[str]) -> Mapping[str, str]:
    """Of "stop.en.3"."""
    parts = [(mark, *mark.split(".")) for mark in marks if mark.count(".") == 2]
    return {
        mark: f"notice: {NoticeText.Use(use).label} ({language}), version {version}"
        for mark, use, language, version in parts
        if use in NoticeText.Use.values
    }


def _saved_replies(ids: Collection[str]) -> Mapping[str, str]:
    rows = SavedReply.objects.filter(pk__in=ids).values_list("pk", "title", "language")
    return {str(pk): sanitise_text(f"saved reply: {title} ({language})", at_most=160) for pk, title, language in rows}


def _purposes(terms: Collection[str]) -> Mapping[str, str]:
    return {term: f"purpose: {purpose_in_words(term)}" for term in terms}


SUBJECTS: Mapping[str, Callable[[Collection[str]], Mapping[str, str]]] = {
    "stream": _streams, "incident": _incidents, "user": _accounts, "anomaly_rule": _anomaly_rules, "notice": _notices,
    "purpose": _purposes, "canned": _saved_replies,
}  # fmt: skip


def actors(*, wanted: Collection[str], kept: bool = False) -> Mapping[str, str]:
    """Return what to call each actor ("officer:3"): one of staff as colleagues do. At most one statement.

    `kept`: for a file, by their e-mail, which no two of them have.
    """
    ids = {int(one.partition(":")[2]) for one in wanted if is_staff(actor=one)}
    found = User.objects.filter(pk__in=ids) if ids else ()
    staff = {one.pk: one.email if kept else get_staff_name(user=one) for one in found}
    return {one: _format_actor(one, staff) for one in wanted}


def get_staff_name(*, user: User) -> str:
    """Return what colleagues call somebody of staff."""
    return user.get_full_name() or user.email or str(user)


def is_staff(*, actor: str) -> bool:
    """Return whether the audit log's name for whoever acted ("officer:3") is that of somebody of staff."""
    kind, _, own = actor.partition(":")
    return kind in STAFF and own.isdecimal()


def staff_id(*, actor: str) -> int:
    """Return the number of whom of staff that name is; 0 for nobody of staff."""
    return int(actor.partition(":")[2]) if is_staff(actor=actor) else 0


def _format_actor(actor: str, staff: Mapping[int, str]) -> str:
    kind, _, own = actor.partition(":")
    if is_staff(actor=actor):
        return staff.get(int(own)) or f"{kind} {own}"
    called = str(Upload.Feed(own).label).lower() if kind == "import" and own in Upload.Feed.values else own
    return f"{MACHINES[kind]} ({sanitise_text(called, at_most=60)})" if kind in MACHINES else kind


def _names(kind: str, ids: Collection[int]) -> Mapping[int, str]:
    if kind == "party":
        rows = Party.objects.filter(pk__in=ids).values_list("pk", "name", "uri")
        return {pk: party_name(name, uri) for pk, name, uri in rows}
    if kind == "contract":
        return _shown_refs(Contract.objects.filter(pk__in=ids).values_list("pk", "ref"))
    if kind == "campaign":
        return _shown_refs(Campaign.objects.filter(pk__in=ids).values_list("pk", "ref"))
    if kind == "machine":
        return _shown_refs(Client.objects.filter(number__in=ids).values_list("number", "client_id"))
    if kind == "rule":
        return {rule.pk: str(rule) for rule in JurisdictionRule.objects.filter(pk__in=ids)}
    return _names_of_others(kind, ids)


def _shown_refs(rows: Iterable[tuple[int, str]]) -> dict[int, str]:
    return {pk: sanitise_text(ref, at_most=80) for pk, ref in rows}


def _names_of_others(kind: str, ids: Collection[int]) -> Mapping[int, str]:
    if kind == "authorized":
        agents = AuthorizedAgent.objects.filter(number__in=ids)
        return {one.number: f"{sanitise_text(one.name, at_most=80)} ({one.pk})" for one in agents}
    if kind == "anomaly":
        return {
            one.pk: f"{one.get_kind_display()}, version {one.version}" for one in AnomalyRule.objects.filter(pk__in=ids)
        }
    return _names_by_day(kind, ids)


def _names_by_day(kind: str, ids: Collection[int]) -> Mapping[int, str]:
    if kind == "protection":
        # Never whose the lines are: that takes a case, a reason and two people.
        rows = ProtectedLine.objects.filter(pk__in=ids).values_list("pk", "at")
        return {pk: f"the line of a case, since {at:%-d %b %Y}" for pk, at in rows}
    if kind == "import":
        return {one.pk: str(one) for one in Upload.objects.defer("rejects").filter(pk__in=ids)}
    if kind == "notice":
        return {one.pk: f"{one.get_use_display()} ({one.language})" for one in NoticeText.objects.filter(pk__in=ids)}
    return {}


# So long an officer's protection still counts after it was ended: to end it is no quick way to look.
GOES_ON = timedelta(hours=24)


def takes_two(*, line_id: int, at: datetime) -> bool:
    """Return whether a second person must agree before one sees whose this line is. Never says why.

    A safe contact, a separation that is under way or that nobody may be told of yet, or an officer's word.
    """
    return (
        ProtectedLine.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at - GOES_ON), line_id=line_id).exists()
        or delegations.contact_of(line_id=line_id) is not None
        or Separation.objects.filter(line_id=line_id, state=Separation.State.OPEN).exists()
        or delegations.query_confidential_departures(at=at).filter(line_id=line_id).exists()
    )


def find_officer_mark(*, line_id: int) -> ProtectedLine | None:
    """Return an officer's own word that it does, while it counts."""
    return ProtectedLine.objects.filter(line_id=line_id, ended_at__isnull=True).first()


# Of no figure about what people did. Whenever a line was watched, it was the carrier's own all the time.
NOBODYS = """
SELECT id AS line_id FROM accounts_line WHERE carrier_id = '<name>'
UNION SELECT line_id FROM support_seedline
""".replace("<name>", numbers.CANARY_NAME)


def is_shown(*, ticket: Ticket, reader: str, at: datetime) -> bool:
    """Return whether `reader` ("agent:7") may see now whose case it is, and with that the files in it.

    A case without a line is in nobody's log: the permission to reveal is enough to open it. What was merged into a case
    is shown with that case.
    """
    role, _colon, number = reader.partition(":")
    if not staff_may(role, StaffAction.REVEAL_PERSON):
        return False
    if ticket.line_id is None:
        return True
    # The database lets no case change its line, nor go on as one of somebody else.
    asks = Reveal.objects.filter(ticket__in=ticket.list_chain())
    mine = list(asks.filter(user_id=int(number), until__gt=at))
    return shown_until(mine=mine, two=takes_two(line_id=ticket.line_id, at=at), at=at) is not None


def shown_until(*, mine: Sequence[Reveal], two: bool, at: datetime) -> datetime | None:
    """Return until when one's own reveals show the person, or None. `two`: the line takes two people now."""
    # What one alone was shown ends at once when the line comes to take two.
    counts = [one for one in mine if one.two_needed or not two]
    return max((one.until for one in counts if one.until and one.until > at), default=None)
