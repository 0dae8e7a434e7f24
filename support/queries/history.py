"""What was done, from the audit trail, to one party, contract or campaign."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Choices, Q
from django.utils.dateparse import parse_datetime

from accounts.models import User
from accounts.primitives.reasons import remove_numbers
from audit.models import AuditEvent
from audit.policies import ALL
from disclosures.models import Upload
from partners.labels import purpose_in_words, sanitise_text
from partners.models import Campaign, Proposal
from support.models import Ticket
from support.queries import names
from support.queries.mentions import list_mentions
from support.queries.notification_words import NOTIFICATIONS

# What an act is about, and what was done, where the action's own name does not say it plainly.
SUBJECTS: Mapping[str, str] = {
    "party": "company", "machine": "API client", "authorized": "authorized agent", "ticket": "case",
    "person": "subscriber", "line": "subscriber", "suspend": "suspension request", "stopped": "stop",
    "legal": "delayed notice", "rule": "state rule",
}  # fmt: skip
VERBS: Mapping[str, str] = {
    "lifted": "suspension lifted", "seen": "viewed", "looked": "viewed", "file_seen": "file viewed",
    "delayed_seen": "viewed", "reveal_asked": "reveal requested", "let_in": "activated",
    "unbound": "certificate removed",
    "began": "started", "told": "notification recorded", "noted": "note added", "made": "created", "taken": "exported",
    "asked": "requested", "claimed": "taken", "found": "found in search", "keys_moved": "key address changed",
    "endpoints_set": "endpoints changed", "consideration_set": "payment changed", "for_person": "made for subscriber",
    "relaxed": "end agreed",
}  # fmt: skip
WHOLE: Mapping[str, str] = {
    "search.made": "search", "line.ended": "subscriber: line ended", "test_line.ended": "test line: ended",
    "contract.ended": "contract: term expired", "campaign.ended": "campaign: term expired",
    "legal.lifted": "delayed notice: lifted",
    "legal.delayed": "delayed notice: release hidden", "suspension.lifted": "suspension: lifted",
    "stop.code_texted": "stop: code texted",
    **{f"import.{feed}": f"import: {str(label).lower()} imported" for feed, label in Upload.Feed.choices},
}  # fmt: skip
# Fields of a company, contract or campaign that are called otherwise on a page.
FIELDS: Mapping[str, str] = {
    "jwks_uri": "key address", "endpoint_url": "event address", "about": "what it does", "precision_m": "precision (m)",
    "lbs_provider": "location service", "consideration": "payment", "starts_at": "start", "ends_at": "end",
    "signed_at": "signed", "ack_within_s": "to be acknowledged within (s)",
    "complete_within_days": "to be completed within (days)", "names_recipient": "names its recipient",
    "is_on": "e-mails", "quiet_from": "quiet from (hour)", "quiet_until": "quiet until (hour)", "zone": "time zone",
    "left_out": "not e-mailed", "body": "text",
}  # fmt: skip
# What an act's detail names people of staff by.
PEOPLE = ("owner", "owner_was", "to", "was")
# Acts that give a case or an incident to somebody.
GIVEN = frozenset({"ticket.assigned", "ticket.handed_over", "incident.assigned"})
# Acts that choose one of several: what is chosen, and the choices in words.
CHOICES: Mapping[str, tuple[str, type[Choices]]] = {
    "ticket.moved": ("state", Ticket.State), "ticket.priority_set": ("priority", Ticket.Priority),
}  # fmt: skip
NEWEST = 100


@dataclass(frozen=True)
class RecordedAct:
    """One thing that was done: when, by whom, what, and why.

    `more`: what it changed, from what to what. `proposal`: the id of the proposal behind it, "" where there is none.
    """

    at: datetime
    who: str
    what: str
    reason: str
    more: str
    proposal: str


def done_to(*, target: str, also: str = "", but_by: str = "") -> list[RecordedAct]:
    """The newest acts on this target ("contract:3"), whoever did them. Two statements. `also`: its other name.

    `but_by`: whose acts are left out, by how the trail's name for them begins.
    """
    rows = AuditEvent.objects.filter(target__in=[target, also] if also else [target])
    if but_by:
        rows = rows.exclude(actor__startswith=but_by)
    events = list(rows.order_by("-at", "-id")[:NEWEST])
    who = names.actors(wanted=list_people(events=events))
    return [
        RecordedAct(
            one.at,
            who[one.actor],
            describe_action(action=one.action),
            remove_numbers(one.reason),
            more_of(event=one, who=who),
            proposal_of(event=one),
        )
        for one in events
    ]


def list_people(*, events: Iterable[AuditEvent]) -> set[str]:
    """Return who acted, and which of staff the acts name, for `names.actors`."""
    found: set[str] = set()
    for one in events:
        named = [one.detail.get(name) for name in PEOPLE]
        found |= {
            one.actor,
            *list_mentions(event=one),
            *(str(name) for name in named if names.is_staff(actor=str(name))),
        }
    return found


def describe_action(*, action: str) -> str:
    """Return an action's name as words: "contract.put_in_force" is "contract: put in force"."""
    if action in WHOLE:
        return WHOLE[action]
    of, _, verb = action.partition(".")
    about = SUBJECTS.get(of) or of.replace("_", " ")
    return f"{about}: {VERBS.get(verb) or verb.replace('_', ' ')}" if verb else about


def find_actions(*, words: str) -> Q:
    """Return which acts `describe_action` calls by these words, or a part of them."""
    part = words.lower()
    about, colon, done = (one.strip() for one in part.partition(":"))
    whole = Q(action__in=[action for action, label in WHOLE.items() if part in label.lower()]) | _proposes(part)
    if colon:
        return whole | _begins(about) & _ends(done)
    return whole | Q(action__icontains=part) | _begins(part) | _ends(part)


def _proposes(part: str) -> Q:
    """What takes two officers is called by what it does, below the act."""
    codes = [code for code, label in Proposal.Act.choices if part in str(label).lower()]
    return Q(action__startswith="proposal.", detail__act__in=codes)


def _begins(part: str) -> Q:
    codes = [code for code, label in SUBJECTS.items() if part in label.lower()]
    return reduce(or_, (Q(action__startswith=f"{code}.") for code in codes), _has(part))


def _ends(part: str) -> Q:
    codes = [code for code, label in VERBS.items() if part in label]
    return reduce(or_, (Q(action__endswith=f".{code}") for code in codes), _has(part))


def _has(part: str) -> Q:
    return Q(action__icontains=part.replace(" ", "_"))


def more_of(*, event: AuditEvent, who: Mapping[str, str]) -> str:
    """What an act changed, as its detail holds it: "end: 1 Jan 2036, was 1 Dec 2026"; "" where that says it all.

    `who`: what to call those whom `list_people` returns.
    """
    said = event.detail
    parts = []
    if said.get("act") in Proposal.Act.values:
        parts.append(str(Proposal.Act(said["act"]).label))
    if "ends_at" in said:
        parts.append(_format_change("end", _day(said["ends_at"]), _day(said.get("was"))))
    if "consideration" in said:
        parts.append(
            _format_change("payment", _format_payment(said["consideration"]), _format_payment(said.get("was")))
        )
    parts += _of_machine(event)
    parts += _of_agent(event)
    parts += _of_rule(event)
    parts += _of_duty(event)
    parts += _of_search(event)
    parts += _of_reach(event)
    parts += _of_note(event, who)
    parts += _of_case(event, who)
    parts += _of_account(event)
    parts += _of_set_up(event)
    parts += _of_addresses(event) or _of_fields(event)
    return "; ".join(part for part in parts if part)


def _of_set_up(event: AuditEvent) -> list[str]:
    """Return which checks failed as it was put in force."""
    failed = event.detail.get("despite")
    return [f"although a check failed: {', '.join(map(str, failed))}"] if isinstance(failed, list) else []


def _of_fields(event: AuditEvent) -> list[str]:
    """Return which fields were changed, from what to what where that was kept."""
    fields, now, was = (event.detail.get(name) for name in ("fields", "now", "was"))
    if not isinstance(fields, list):
        return []
    if isinstance(now, dict) and isinstance(was, dict):
        return [
            _format_change(_field(name), _value(now[name], name), _value(was[name], name) if name in was else "")
            for name in sorted(now)
        ]
    return [", ".join(sanitise_text(str(one), at_most=40).replace("_", " ") for one in fields)]


def _field(name: str) -> str:
    return FIELDS.get(name) or name.replace("_", " ")


def _value(said: object, field: str) -> str:
    """Return a value of a field in words: a day, purposes as people read them, yes or no, "none" for nothing."""
    if isinstance(said, list):
        return ", ".join(_value(one, field) for one in said) or "none"
    if field == "left_out":
        return _quote_notification(str(said))
    if str(said).startswith("dpv:"):
        return purpose_in_words(str(said))
    return _day(said) or sanitise_text(_plain(said), at_most=160) or "none"


def _quote_notification(kind: str) -> str:
    """Return a kind as the page of notifications calls it."""
    return f"“{NOTIFICATIONS[kind][1]}”" if kind in NOTIFICATIONS else kind


def _of_note(event: AuditEvent, who: Mapping[str, str]) -> list[str]:
    """Return what a note on a company, contract or campaign set beside its words; which agreement was added."""
    said = event.detail
    mentioned = ", ".join(who[one] for one in list_mentions(event=event))
    version = [f"version {said['version']}"] if event.action.endswith(".agreement_added") else []
    return [
        *([_format_move("owner", said, ("owner", "owner_was"), who)] if "owner" in said else []),
        *version,
        *([f"mentioned: {mentioned}"] if mentioned else []),
        *([_format_reminder(said)] if "remind_on" in said else []),
    ]


def _format_reminder(said: Mapping[str, object]) -> str:
    was = (_day(said["remind_was"]) or "none") if "remind_was" in said else ""
    return _format_change("reminder", _day(said["remind_on"]) or "none", was)


def _format_move(what: str, said: Mapping[str, object], keys: tuple[str, str], who: Mapping[str, str]) -> str:
    """Say from whom to whom something went; "" is nobody. Acts of old kept only to whom."""
    now, was = (who.get(str(said[key])) or "nobody" if key in said else "" for key in keys)
    return _format_change(what, now, was)


def _of_case(event: AuditEvent, who: Mapping[str, str]) -> list[str]:
    """Return how a case or an incident moved: to whom, to which state or priority, into which case."""
    said = event.detail
    if event.action in GIVEN:
        return [_format_move("to", said, ("to", "was"), who)]
    if event.action in CHOICES:
        what, labels = CHOICES[event.action]
        now, was = (str(dict(labels.choices).get(said.get(key), "")) for key in ("to", "was"))
        return [_format_change(what, now, was)]
    if event.action == "ticket.merged":
        return [f"into {said.get('into')}"]
    return [f"cases: {said.get('cases')}"] if event.action == "reply.begun" else []


def _of_account(event: AuditEvent) -> list[str]:
    """Return as which role somebody of staff was made, or views pages; of which list a view was saved."""
    if event.action in {"view_as.started", "staff.made"}:
        return [f"as {User.Role(event.detail['role']).label.lower()}"]
    return [f"of {event.detail['of']}"] if event.action.startswith("saved_view.") and "of" in event.detail else []


def _of_rule(event: AuditEvent) -> list[str]:
    """Return what a rule for anomalies was changed to, number by number."""
    now, before = event.detail.get("now"), event.detail.get("before")
    if event.action != "anomaly_rule.changed" or not isinstance(now, dict) or not isinstance(before, dict):
        return []
    changed = [name for name in sorted(now) if now[name] != before.get(name)]
    return [_format_change(name.replace("_", " "), _plain(now[name]), _plain(before.get(name))) for name in changed]


def _of_duty(event: AuditEvent) -> list[str]:
    """Return which duty of an incident was done, on which day, under which reference."""
    duty, reference = ALL.get(str(event.detail.get("duty"))), str(event.detail.get("reference", ""))
    if event.action != "incident.told" or duty is None:
        return []
    named = [f"reference {sanitise_text(reference, at_most=100)}"] if reference else []
    return [duty.what, f"done on {event.detail.get('on')}", *named]


def _of_search(event: AuditEvent) -> list[str]:
    """Return where somebody searched and what for; in which cases somebody was found; what a file was narrowed to."""
    said, named = event.detail, event.detail.get("for")
    listed = event.action in {"search.made", "export.taken"} and "in" in said
    parts = [f"in {sanitise_text(str(said['in']), at_most=60)}"] if listed else []
    if isinstance(named, dict):
        parts += [f"{label}: {sanitise_text(str(words), at_most=100)}" for label, words in named.items()]
    if isinstance(said.get("tickets"), list):
        parts.append(", ".join(str(code) for code in said["tickets"]))
    return parts


def _of_reach(event: AuditEvent) -> list[str]:
    """Return about which incident it was, where its subject doesn't say; of a file, how far it reaches."""
    names = {"incident": "incident", "run": "comparison"}
    if event.action.startswith("export."):
        names |= {"year": "year", "since": "from", "until": "to", "rows": "rows"}
    return [
        f"{label} {sanitise_text(str(event.detail[key]), at_most=40)}"
        for key, label in names.items()
        if key in event.detail
    ]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "never" if value is None else str(value)


def _of_machine(event: AuditEvent) -> list[str]:
    """Of which key and certificate an act on a machine was, by their thumbprints."""
    if not event.target.startswith(("machine:", "client:")):
        return []
    said = event.detail
    key = said.get("key")
    was = said.get("was") if isinstance(said.get("was"), str) else ""
    parts = []
    if isinstance(key, str) and key:
        replaced = event.action in {"machine.key_replaced", "machine.let_in"} and was != key
        parts.append(_format_change("key", key, was if replaced else ""))
    return parts + _of_certificate(event, was)


def _of_certificate(event: AuditEvent, was: str) -> list[str]:
    if event.action == "machine.unbound":
        return [f"certificate: none, was {was}"]
    now, before = (str(event.detail.get(name) or "") for name in ("certificate", "was_bound_to"))
    if before == now:
        return [f"certificate: {now}"] if now else []
    return [_format_change("certificate", now or "none", before)]


def _of_agent(event: AuditEvent) -> list[str]:
    """Under which name, with which key and hosts an act on an authorised agent was."""
    said, hosts = event.detail, event.detail.get("hosts")
    if not event.target.startswith("authorized:") or not isinstance(hosts, list):
        return []
    key, was = str(said.get("key", "")), str(said.get("was", ""))
    name, was_name = (sanitise_text(str(said.get(one, "")), at_most=200) for one in ("name", "was_name"))
    was_hosts = _addresses(said["was_hosts"]) if "was_hosts" in said else ""
    return [
        _format_change("name", name, was_name), _format_change("key", key, was),
        _format_change("callback hosts", _addresses(hosts), was_hosts),
    ]  # fmt: skip


def _of_addresses(event: AuditEvent) -> list[str]:
    """Return which addresses two officers changed, from what to what."""
    now, was = event.detail.get("now"), event.detail.get("was")
    if event.action == "party.keys_moved" and isinstance(was, str):
        return [_format_change("key address", _addresses(now), _addresses(was))]
    if event.action != "contract.endpoints_set" or not isinstance(now, dict) or not isinstance(was, dict):
        return []
    return [
        _format_change(name.replace("_", " "), _addresses(now[name]), _addresses(was.get(name)))
        for name in sorted(now)
        if now[name] != was.get(name)
    ]


def _addresses(said: object) -> str:
    return sanitise_text(", ".join(map(str, said)) if isinstance(said, list) else str(said or "")) or "none"


def proposal_of(*, event: AuditEvent) -> str:
    """Return the id of the proposal that an act belongs to, for its address."""
    said = event.detail.get("proposal")
    return said if isinstance(said, str) else ""


def _format_change(what: str, now: str, was: str) -> str:
    return f"{what}: {now}, was {was}" if was else f"{what}: {now}"


def _day(text: object) -> str:
    found = parse_datetime(text) if isinstance(text, str) else None
    return f"{found:%-d %b %Y}" if found else ""


def _format_payment(word: object) -> str:
    """Return what is paid, in words; "" was never said."""
    return "not recorded" if word == "" else str(dict(Campaign.Consideration.choices).get(str(word), ""))
