"""Gather what a jury or an agency would ask for: a breach notification, and the evidence about a company or a case.

No subscriber, phone number or line is named, but what a message in a case says. Of a case the person stays masked.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.primitives.reasons import remove_numbers
from audit.models import AuditEvent
from audit.policies import DUTIES
from console.queries import staff
from console.queries.documents import MOST, DocumentRequest, Report, Section
from console.queries.standing import get_standing
from console.queries.yearly_reports import COUNSEL, build_ccpa_metrics, build_certificate
from disclosures.queries.incident_scope import count_occurrences
from partners.labels import party_name
from partners.models import Campaign, Contract, Party, Suspension
from revocations.models import Breach, Cohort
from revocations.queries.coverage import count_orders_by_state, coverage_of_ends
from support.models import Attachment, Document, Entry
from support.queries import chains, names
from support.queries.case import Case, case_of
from support.queries.chains import RECIPIENT, Link
from support.queries.counts import sum_counts
from support.queries.history import RecordedAct, describe_action, list_people, more_of
from support.queries.incidents import DutyState, IncidentPage, incident_page
from support.queries.subjects import COMPANY
from support.queries.timeline import SentPage
from support.queries.visible import visible_incidents, visible_tickets

PASSED_ON = "Orders go to the partners of the contracts above, which pass them on. Their packs count them."
WHOLE = (
    "Where the company is another recipient, these are figures of whole campaigns: consents and look-ups count whoever"
    " received the location."
)
LOGGED = ("When", "Who", "Action", "Details", "Reason", "Hash of the entry")
DATA = "Who requested or received a phone's location, when, for what purpose and how precisely. We keep no coordinates."


class Build(Protocol):
    """Makes a document of a kind."""

    def __call__(self, *, wanted: DocumentRequest) -> Report | None: ...


def build_report(*, kind: str, ref: str, who: str, at: datetime) -> Report | None:
    """Return what a document of this kind ("company", "4") says now; None where there is nothing it could be about.

    `who`: the officer who makes it, by name.
    """
    build = BUILDS.get(kind)
    return build(wanted=DocumentRequest(ref, who, at)) if build else None


def _build_breach(*, wanted: DocumentRequest) -> Report | None:
    page = incident_page(incident_id=number, at=wanted.at) if (number := _read_id(wanted.ref)) else None
    if page is None or not DUTIES.get(page.incident.kind):
        return None
    one = page.incident
    title = f"Breach notification: incident {one.pk}"
    return Report(Document.Kind.BREACH, f"incident:{one.pk}", title, [
        Section.build_facts("Notification", _list_breach_facts(page), text=[COUNSEL]),
        Section.build(
            "Deadlines", ("What", "Rule", "Due", "Done", "Reference"),
            [
                (duty.clock.what, duty.clock.source, duty.clock.due_at, duty.told.on if duty.told else "not yet",
                 duty.told.reference if duty.told else "")
                for duty in page.duties
            ],
        ),
        _build_acts("Timeline", reversed(page.timeline)),
    ])  # fmt: skip


def _read_id(ref: str) -> int | None:
    return int(ref) if ref.isascii() and ref.isdecimal() and len(ref) < 19 else None


def _list_breach_facts(page: IncidentPage) -> Mapping[str, object]:
    one, found = page.incident, page.affected
    return {
        "Carrier": settings.CARRIER_NAME,
        "Contact": settings.CARRIER_PHONE,
        "What happened": one.happened or str(one.get_kind_display()),
        **({"What was affected": one.affected} if one.affected else {}),
        "How": found.through,
        "Company concerned": page.about.name if page.about else page.subject,
        "Found by": page.reporter or "our systems",
        "Became known": one.opened_at,
        "First occurrence": found.first_at,
        "Last occurrence": found.last_at,
        "Occurrences": found.count,
        "Customers affected": found.lines if found.lines is not None else "not counted by line",
        "Kinds of data": DATA,
        "Financial loss": "not recorded here",
        "Status": "closed" if one.closed_at else "open",
    }


def _build_acts(heading: str, acts: Iterable[RecordedAct]) -> Section:
    rows = [(one.at, one.who, one.what, one.more, remove_numbers(one.reason)) for one in acts]
    return Section.build(heading, ("When", "Who", "What", "Details", "Reason"), rows)


def _build_company(*, wanted: DocumentRequest) -> Report | None:
    party = Party.objects.filter(pk=_read_id(wanted.ref) or 0).first()
    if party is None:
        return None
    name = party_name(party.name, party.uri)
    found = chains.chains_of(party=party, at=wanted.at, whole=True)
    links = sorted(found, key=lambda one: _get_start(one.facts.campaign))
    campaigns = [one.facts.campaign for one in links]
    through = Q(aggregator=party) | Q(pk__in={one.contract_id for one in campaigns})
    contracts = list(Contract.objects.filter(through).select_related("aggregator").order_by("starts_at", "pk"))
    about = [("party", [party.pk]), ("contract", [c.pk for c in contracts]), ("campaign", [c.pk for c in campaigns])]
    return Report(Document.Kind.COMPANY, f"party:{party.pk}", f"Evidence pack: {name}"[:200], [
        Section.build_facts("Company", {"Name": name, "Address": party.uri, "Kind": str(party.get_kind_display())}),
        *_build_agreements(contracts, links),
        *_build_reach(party, links, wanted.at),
        *_build_enforcement(party, about, wanted.at),
        build_log(staff.about_company(staff.acts(at=wanted.at), party.uri).filter(line_id__isnull=True)),
    ])  # fmt: skip


def _get_start(campaign: Campaign) -> tuple[datetime, int]:
    return campaign.starts_at, campaign.pk


def _build_agreements(contracts: Sequence[Contract], links: Sequence[Link]) -> list[Section]:
    return [
        Section.build(
            "Contracts", ("Contract", "With", "Signed", "From", "To", "Epoch"),
            [
                (one.ref, party_name(one.aggregator.name, one.aggregator.uri), one.signed_at, one.starts_at,
                 one.ends_at, one.epoch)
                for one in contracts
            ],
        ),
        Section.build(
            "Campaigns",
            ("Campaign", "Contract", "Location service", "Company as", "Purpose", "From", "To"),
            [
                (one.facts.campaign.ref, one.facts.campaign.contract.ref, one.facts.campaign.lbs_provider.name,
                 one.as_what, one.facts.purpose, one.facts.campaign.starts_at, one.facts.campaign.ends_at)
                for one in links
            ],
        ),
    ]  # fmt: skip


def _build_reach(party: Party, links: Sequence[Link], at: datetime) -> list[Section]:
    """How many consents, disputes and look-ups: nobody by name, nothing that an order hides."""
    consents = sum_counts(counts=[one.facts.approvals for one in links])
    standing = get_standing(
        of="party", target_id=party.pk, party=party, refs=[one.facts.campaign.ref for one in links],
        consents=consents, has_orders=False, contract=None, at=at,
    )  # fmt: skip
    figures = {
        "Consents on record": str(consents), "Disputes": str(standing.disputes), "Disputes, in percent": standing.rate,
    }  # fmt: skip
    says = [WHOLE] if any(one.as_what == RECIPIENT for one in links) else []
    of_each = [(one.facts.campaign.ref, str(one.facts.approvals)) for one in links]
    months = [(f"{one.month:%Y-%m}", str(one.n)) for one in standing.months]
    return [
        Section.build_facts("Reach", figures, text=says, is_live=True),
        Section.build("Consents by campaign", ("Campaign", "Consents on record"), of_each, is_live=True),
        Section.build("Look-ups by month", ("Month (UTC)", "Look-ups by consent"), months, text=says, is_live=True),
    ]


def _build_enforcement(party: Party, about: Sequence[tuple[str, Sequence[int]]], at: datetime) -> list[Section]:
    """What was done about the company, and what it did about our orders."""
    wanted = Q()
    for of, ids in about:
        wanted |= Q(of=of, target_id__in=ids)
    orders = count_orders_by_state(party_id=party.pk)
    about_it = visible_incidents(at=at).filter(subject__in=(party.uri, f"partner:{party.pk}"))
    incidents = list(about_it.order_by("opened_at", "id"))
    counts = count_occurrences(incidents=incidents, at=at)
    return [
        Section.build(
            "Orders to stop", ("Status", "Orders"), [(str(state.label), n) for state, n in orders.items()],
            text=[] if Contract.objects.filter(aggregator=party).exists() else [PASSED_ON], is_live=True,
        ),
        Section.build(
            "Deadlines missed", ("What", "Due", "Recorded", "Resolved"),
            [
                (str(one.get_kind_display()), one.due_at, one.at, one.mended_at)
                for one in Breach.objects.filter(party_id=party.pk).order_by("at", "pk")
            ],
        ),
        Section.build(
            "Suspensions", ("From", "To", "Of", "Reason"),
            [
                (one.starts_at, one.ends_at, one.of, remove_numbers(one.reason))
                for one in Suspension.objects.filter(wanted).order_by("starts_at", "pk")
            ],
        ),
        Section.build(
            "Terminations", ("When", "Of", "Due", "Signed", "Behind it, not signed", "Reason"), _list_ends(wanted)
        ),
        Section.build(
            "Incidents", ("Incident", "Opened", "Closed", "Occurrences"),
            [(str(one.get_kind_display()), one.opened_at, one.closed_at, counts[one.pk]) for one in incidents],
        ),
    ]  # fmt: skip


def _list_ends(wanted: Q) -> list[tuple[object, ...]]:
    """What ended, the oldest first, and which companies behind the partner have not signed for it."""
    ends = list(Cohort.objects.filter(wanted).defer("plan", "index_token").order_by("terminated_at", "of", "target_id"))
    covered = coverage_of_ends(cohorts=ends)
    return [
        (
            one.terminated_at, one.of, one.complete_by, one.completed_at, ", ".join(covered[one.pk].missing_for_staff),
            remove_numbers(one.reason),
        )
        for one in ends
    ]  # fmt: skip


def _build_case(*, wanted: DocumentRequest) -> Report | None:
    ticket = visible_tickets(at=wanted.at).filter(code=wanted.ref).first()
    if ticket is None:
        return None
    case = case_of(ticket=ticket, reader="", at=wanted.at)
    log = staff.leave_out_hidden(AuditEvent.objects.filter(target=f"ticket:{ticket.code}"), at=wanted.at)
    title = f"Evidence pack: case {ticket.code}"
    return Report(Document.Kind.CASE, f"ticket:{ticket.code}", title, [
        _build_case_facts(case),
        Section.build(
            "Correspondence", ("When", "Who", "Kind", "Channel", "Text"),
            [
                (one.entry.at, one.who, str(one.entry.get_kind_display()), str(one.entry.get_channel_display()),
                 remove_numbers(one.entry.body))
                for one in case.thread
                if one.entry.kind != Entry.Kind.NOTE
            ],
            text=["Messages are as they were written, and may hold names. One with a phone number isn't printed.",
                  "Notes among staff are left out."],
        ),
        Section.build(
            "Files", ("Received", "Type", "Bytes", "SHA-256"),
            [
                (one.at, one.media_type, one.size, one.sha256)
                for one in Attachment.objects.filter(ticket=ticket).order_by("at", "name", "pk")
            ],
            text=["Their contents are not in this pack. Compare a copy by its SHA-256."],
        ),
        *_build_records(case),
        build_log(log),
    ], ticket.line_id, UUID(ticket.about_ref) if case.look_up else None, _get_case_company(case))  # fmt: skip


def _get_case_company(case: Case) -> int | None:
    """The company that a person asked about, where it is there for them."""
    return case.party.pk if case.party and case.ticket.about_kind == COMPANY else None


def _build_case_facts(case: Case) -> Section:
    one, look_up, choice = case.ticket, case.look_up, case.choice
    facts: dict[str, object] = {
        "Case": one.code, "Kind": str(one.get_kind_display()), "Status": str(one.get_state_display()),
        "Opened": one.opened_at, "Due": one.due_at, "First answer": one.first_answer_at,
        "Subject": remove_numbers(case.about),
        "Company": case.company,
    }  # fmt: skip
    if look_up:
        facts |= {
            "Look-up": look_up.at, "By": look_up.company.name, "Purpose": look_up.why, "Precision": look_up.precision,
            "Result": look_up.words,
        }  # fmt: skip
    if choice:
        facts |= {
            "Choice": choice.kind, "Made": choice.made_at, "In force": choice.recorded_at, "About": choice.company,
            "Receipt": choice.receipt,
        }  # fmt: skip
    return Section.build_facts("The case", facts)


def _build_records(case: Case) -> list[Section]:
    return [
        Section.build(
            "Consent on record", ("Company", "Purpose", "Method", "Captured", "By", "Wording", "Reference"),
            [
                (one.company, one.why, one.method, one.captured_at, one.captured_by, one.wording, one.evidence_ref)
                for one in case.proofs
            ],
        ),
        Section.build(
            "What partners answered", ("Partner", "Asked", "Due", "Answered", "Answer", "Reference"),
            [
                (one.party, one.asked_at, one.due_at, one.answered_at, one.answer, one.evidence_ref)
                for one in case.evidence
            ],
        ),
        Section.build(
            "Orders to partners",
            ("Partner", "Order", "Sent", "Received", "Status", "Not signed by", "Signed receipts (SHA-256)"),
            [_list_order(one) for one in case.told],
        ),
    ]  # fmt: skip


def _list_order(page: SentPage) -> tuple[object, ...]:
    signed = " ".join(hashlib.sha256(one.token.encode()).hexdigest() for one in page.receipts)
    sent = page.sent
    missing = ", ".join(sent.coverage.missing_for_staff)
    return page.party.name, str(sent.id), sent.sent_at, sent.acknowledged_at, sent.state_words, missing, signed


def build_log(events: staff.Acts) -> Section:
    """Return a section of acts of staff, each by the hash that the audit log's chains have for it."""
    rows = list(events.order_by("-at", "-id")[:MOST])[::-1]
    who = names.actors(wanted=list_people(events=rows), kept=True)
    return Section.build(
        "Audit log", LOGGED,
        [
            (one.at, who[one.actor], describe_action(action=one.action), more_of(event=one, who=who),
             staff.get_reason(one), bytes(one.hash).hex())
            for one in rows
        ],
        moves=True,
        total=events.count(),
    )  # fmt: skip


BUILDS: Mapping[str, Build] = {
    Document.Kind.CERTIFICATE: build_certificate,
    Document.Kind.CCPA: build_ccpa_metrics,
    Document.Kind.BREACH: _build_breach,
    Document.Kind.COMPANY: _build_company,
    Document.Kind.CASE: _build_case,
}


def as_json(*, page: IncidentPage, who: str, at: datetime) -> str:
    """Return the same as the printed page, for programs. `who` takes it, `at`."""
    one, found = page.incident, page.affected
    body = {
        "made": {"at": _time(at), "by": who, "from": "Whereabouts"},
        "incident": {
            "id": one.pk,
            "kind": one.kind,
            "what": str(one.get_kind_display()),
            "about": page.about.name if page.about else page.subject,
            "found_by": page.reporter or "the system",
            "reported_at": _time(one.reported_at),
            "happened": one.happened or None,
            "what_was_affected": one.affected or None,
            "opened_at": _time(one.opened_at),
            "acknowledged_at": _time(one.acknowledged_at),
            "closed_at": _time(one.closed_at),
            "assigned_to": page.whose,
        },
        "affected": {
            "lines": found.lines,
            "test_line": page.of_a_test_line,
            "times": found.count,
            "companies": list(found.partners),
            "first_at": _time(found.first_at),
            "last_at": _time(found.last_at),
            "through": found.through,
        },
        "duties": [_duty(duty) for duty in page.duties],
        "timeline": [_format_timeline_entry(done) for done in reversed(page.timeline)],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _duty(state: DutyState) -> dict[str, object]:
    told = state.told
    return {
        "what": state.clock.what,
        "source": state.clock.source,
        "counted_from": _time(state.clock.began_at),
        "due_at": _time(state.clock.due_at),
        "done_on": told.on if told else None,
        "reference": told.reference if told else None,
        "written_down_by": state.who or None,
    }


def _format_timeline_entry(done: RecordedAct) -> dict[str, object]:
    return {"at": _time(done.at), "who": done.who, "what": done.what, "more": done.more, "why": done.reason}


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
