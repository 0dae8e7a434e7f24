"""Pages of the console: of a service that has just begun, as an auditor reads them, and of a bad day."""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.utils import timezone

import audit.actions
from accounts.actions.line_separation import request_separation
from accounts.models import Separation, User
from audit.models import Incident
from consent.models import DigestFinding, DigestRun
from console.actions.notes import add_note
from console.urls import ADDRESSES
from console.views.site import SEEING
from disclosures.models import Upload
from partners.actions import proposals, suspensions
from partners.models import Campaign, Contract, Dealing, IdentifierLink, JurisdictionRule, Party, Proposal, Reach
from revocations.models import Breach, Cohort, Order, State, Stream
from revocations.models.cohorts import BY_TERM
from tests.factories import FRAUD, ROADSIDE, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.orders import bring_to, contradict_end
from tests.partners.outside import Signer
from tests.people import signed_in, user_of
from tests.staff import an_actor
from tests.support.console import Console, a_cohort
from tests.support.officers import WHY, Member, staff
from tests.walks.addresses import filled
from tests.words.pages import changes
from tests.words.transcripts import transcript

type Read = Iterator[tuple[str, list[str]]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Lists that say what will be in them before anything is.
NOTHING_YET = (
    "parties/", "contracts/", "campaigns/", "purposes/", "suspensions/", "suspend-requests/", "proposals/",
    "terminations/", "streams/", "orders/", "breaches/", "reconciliation/", "keys/", "clients/", "authorized-agents/",
    "incidents/", "imports/", "test-lines/", "documents/", "separations/",
)  # fmt: skip


def read(
    who: Member, path: str, form: Mapping[str, object] | None = None, *, but: tuple[str, ...] = ("select",)
) -> list[str]:
    """A page of the console, or what a form is answered with."""
    path = f"/admin/{path}"
    answer = who.client.get(path) if form is None else who.client.post(path, {**WHY, **form})
    if path == "/admin/search/" and answer.status_code == 302:
        answer = who.client.get(answer.headers["Location"])
    assert answer.status_code in {200, 400}, (path, answer.status_code, answer.headers.get("Location"))
    return transcript(answer.content.decode(), but=but)


def pages(console: Console, officer: Member, *, at: datetime) -> Read:
    """Every state in the world of everything, by its title."""
    yield from as_an_auditor_reads(console, officer)
    yield from of_forms(console, officer, at=at)
    yield from of_a_bad_day(console, officer, at=at)
    yield from of_thousands(console, officer, at=at)


def of_a_beginning(officer: Member, *, at: datetime) -> Read:
    """Before there is anything; then partners that have nothing but a contract, without a stream and with one."""
    for path in ("", *NOTHING_YET, "trail/", f"purposes/{FRAUD}/"):
        yield f"begun: {path or 'dashboard'}", read(officer, path)
    yield "begun: search", read(officer, "search/", {"q": "nothing like it"})
    yield "begun: two letters", read(officer, "search/", {"q": ""})
    before = read(officer, "")
    for n, name in enumerate(("Fern Link", "Grove Link")):
        contract = a_contract(a_party(name), ref=f"AGR-{n}", purposes=[])
        yield f"begun: dashboard, the next not verified after {n}", changes(before, read(officer, ""))
        Stream.objects.create(
            id=uuid.uuid4(), party_id=contract.aggregator_id, method=Stream.Method.POLL, status_by="partner",
            status_at=at, created_at=at, verified_at=at,
        )  # fmt: skip
        yield f"begun: dashboard, all {n + 1} verified", changes(before, read(officer, ""))
    for who, role in (("an officer", User.Role.OFFICER), ("the legal office", User.Role.LEGAL)):
        yield f"begun: nothing waits for {who}", read(staff(role, name=f"new {who}"), "notifications/")
    contract = Contract.objects.get(ref="AGR-1")
    for path in (
        f"contracts/{contract.pk}/",
        f"parties/{contract.aggregator_id}/",
        f"streams/{contract.aggregator_id}/",
    ):
        yield f"begun: {path.partition('/')[0]} of a partner", read(officer, path)
    yield "begun: to end it", read(officer, f"terminate/contract/{contract.pk}/")


def as_an_auditor_reads(console: Console, officer: Member) -> Read:
    """What an auditor reads otherwise than an officer: they may look, and change nothing."""
    auditor = staff(User.Role.AUDITOR, name="audrey")
    yield "an auditor: an act", read(auditor, f"suspend/contract/{console.campaign.contract_id}/")
    for address in ADDRESSES:
        if (address.roles == SEEING and "POST" not in address.methods) or address.name in {"index", "terminate"}:
            path = filled(address.route, console.ids)[1:]
            is_file = "csv" in path or address.name == "export"
            if not is_file and (differs := changes(read(officer, path), read(auditor, path))):
                yield f"an auditor: {address.name}", differs


def of_a_bad_day(console: Console, officer: Member, *, at: datetime) -> Read:
    """What is late, waits, was suspended by rule, ends soon, and of more than one."""
    campaign = console.campaign
    contract = campaign.contract
    pages = {
        "dashboard": "", "contract": f"contracts/{contract.pk}/", "campaign": f"campaigns/{campaign.pk}/",
        "party": f"parties/{contract.aggregator_id}/", "service": f"parties/{campaign.lbs_provider_id}/",
        "customer": f"parties/{Reach.objects.filter(campaign=campaign)[0].party_id}/",
        "partner": f"streams/{contract.aggregator_id}/", "separations": "separations/",
        "separation": f"separations/{console.ids['separation_id']}/", "purpose": f"purposes/{campaign.purpose}/",
        "run": f"reconciliation/{console.ids['run_id']}/",
    }  # fmt: skip
    before = {title: read(officer, path) for title, path in pages.items() if title != "separation"}
    _late_orders(console, at)
    _notes_and_disputes(officer, campaign, at)
    _incidents(officer, at)
    _ends(at)
    named = {one.ref: one.pk for one in Campaign.objects.filter(ref__startswith="CMP-")}
    pages |= {
        "soon over": f"campaigns/{named['CMP-soon']}/",
        "longer than its contract": f"campaigns/{named['CMP-long']}/", "over": f"campaigns/{named['CMP-ended']}/",
        "its end": f"terminations/{Cohort.objects.get(target_id=named['CMP-ended']).pk}/",
        "an end by two": f"terminations/{Cohort.objects.get(target_id=named['CMP-kale']).pk}/",
    }  # fmt: skip
    for title, path in pages.items():
        page = read(officer, path, {} if title == "separation" else None)
        yield f"a bad day: {title}", changes(before[title], page) if title in before else page
    old = Incident.objects.get(key="ungated 0").pk
    yield "an incident whose dates are past", read(officer, f"incidents/{old}/")
    yield "an incident whose dates are past, to send away", read(officer, f"incidents/{old}/export/", {"form": "html"})
    for query in ("parties/?q=Geo&kind=aggregator", "parties/?sort=name", "parties/?sort=-name", "parties/?q=nobody"):
        yield f"a list: {query}", read(officer, query)
    for n in range(51):
        a_party(f"Party {n:02}")
    for number in (1, 2):
        yield (
            f"a list: page {number}",
            read(officer, f"parties/?q=Party&page={number}", but=("select", "td")[: 3 - number]),
        )
    yield "a list of days that are reversed", read(officer, "trail/?since=2051-06-02&until=2051-06-01")
    yield "the log, as a file", read(officer, "trail/export/?on=contract:1&act=note")


def of_forms(console: Console, officer: Member, *, at: datetime) -> Read:
    """What an act shows before it is done, and what is wrong with what was typed."""
    ids, campaign = console.ids, console.campaign
    found = a_campaign(
        campaign.contract, campaign.lbs_provider, ref="CMP-lifeline", purpose=campaign.purpose, lifeline=True
    )
    an_approval(a_line(state="NV"), found, at=at - DAY)
    rule = {"state": "NV", "starts_at": f"{at:%Y-%m-%d}", "purposes": [campaign.purpose], "source": "NRS 1"}
    yield "a rule that prohibits a lifeline", read(officer, "rules/add/", rule)
    later = {"state": "NV", "starts_at": f"{at + 400 * DAY:%Y-%m-%d}", "max_radius_m": 50, "purposes": [ROADSIDE]}
    yield (
        "a rule that prohibits nothing yet",
        read(officer, "rules/add/", {**rule, **later, "purposes": ["dpv:Marketing"]}),
    )
    yield "a rule with something missing", read(officer, "rules/add/", {"state": "ZZ", "source": ""})
    a_campaign(campaign.contract, a_party("Quince Aid", "lbs_provider"), ref="CMP-quince")
    yield "to end what a lifeline hangs on", read(officer, f"terminate/contract/{campaign.contract_id}/")
    yield from _differences(console, officer, at)
    yield from _keys(console, officer)
    yield from _proposals(officer)
    yield "a document before it is signed", read(officer, f"documents/make/company/{console.ids['party_id']}/", {})
    yield "a difference", read(officer, f"reconciliation/{ids['run_id']}/{ids['finding_id']}/", {})
    yield "look-ups behind an incident", read(officer, f"incidents/{ids['incident_id']}/rows/", {})
    for words in ("Geo", "Zebra"):
        yield f"found: {words}", read(officer, "search/", {"q": words})


def of_thousands(console: Console, officer: Member, *, at: datetime) -> Read:
    """Numbers of more than three digits, and what is said beside them: of a file, a comparison, an end, an incident."""
    ids, purpose = console.ids, console.campaign.purpose
    run, incident = DigestRun.objects.get(), f"incidents/{ids['incident_id']}/"
    pages = (
        f"purposes/{purpose}/", f"imports/{ids['upload_id']}/", f"reconciliation/{run.pk}/",
        f"terminations/{ids['cohort_id']}/", incident,
    )  # fmt: skip
    before = {path: read(officer, path) for path in pages}
    for state, ends_at in (("NV", None), ("UT", at + 400 * DAY)):
        JurisdictionRule.objects.create(
            state=state, starts_at=at, ends_at=ends_at, purposes=[purpose], source=f"{state} 1"
        )
    IdentifierLink.objects.create(of="purpose", ref=purpose, kin_ref="dpv:Marketing", link="same_as", recorded_at=at)
    found = {"accepted": 1001, "repeated": 2002, "rejected": 3003, "reasons": [["msisdn invalid", 3003]]}
    outcome = {"found": found, "warnings": ["line_unknown"], "interrupted": True}
    of = Upload.objects.get(pk=str(ids["upload_id"]))
    checked, waiting, failed, unusable = (
        Upload.objects.create(
            feed=of.feed, loosens=of.loosens, size=of.size, digest=of.digest, uploaded_at=of.uploaded_at,
            reason=of.reason, total=9009, uploaded_by=an_actor(), done=1234, tries=2,
        )
        for _ in range(4)
    )  # fmt: skip
    done = {"outcome": outcome, "checked_at": at, "accepted": 3003}
    Upload.objects.filter(pk=unusable.pk).update(state="checked", checked_at=at, rejected=9009)
    Upload.objects.filter(pk__in=[checked.pk, failed.pk]).update(state="checked", **done)
    Upload.objects.filter(pk=failed.pk).update(state="failed", finished_at=at)
    DigestRun.objects.update(
        findings={"partner_has": 1200, "partner_lacks": 3400, "same": 5600},
        differing=[f"{n:04x}" for n in range(1024)], drilled=[f"{n:04x}" for n in range(1024)],
    )  # fmt: skip
    row = DigestFinding.objects.filter(run=run, kind="partner_has").order_by("id")[0]
    key, kind = f"partner:{run.party_id}:{row.found_at:%Y-%m-%d}", Incident.Kind.PARTNER_HAS
    audit.actions.open_incident(kind=kind, key=key, subject=f"partner:{run.party_id}", at=at)
    Cohort.objects.filter(pk=str(ids["cohort_id"])).update(manifest_at=at, subject_count=1234)
    Incident.objects.filter(pk=str(ids["incident_id"])).update(count=4321)
    for path in pages:
        path_now = f"imports/{checked.pk}/" if path.startswith("imports/") else path
        yield f"thousands: {path.split('/')[0]}", changes(before[path], read(officer, path_now))
    yield "thousands: an incident to send away", read(officer, f"{incident}export/", {"form": "html"})
    for state, upload in (("waiting", waiting), ("failed", failed), ("no usable row", unusable)):
        yield f"thousands: imports, {state}", changes(before[pages[1]], read(officer, f"imports/{upload.pk}/"))
    Incident.objects.filter(key=key, kind=kind).update(closed_at=at)
    DigestRun.objects.update(differing=[], drilled=[])
    yield "a comparison without a difference, its incident closed", read(officer, pages[2], but=("select", "table"))


def _late_orders(console: Console, at: datetime) -> None:
    campaign = console.campaign
    contract = campaign.contract
    for n in range(2):
        order = Order.objects.create(
            line_id=console.line.pk, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id,
            epoch=contract.epoch, version=90 + n, jti=uuid.uuid4().hex, txn="t", record_id=uuid.uuid4(), lane="stop",
            queued_at=at - (20 + n) * DAY, next_attempt_at=at, complete_by=at - (n + 1) * DAY,
            snapshot={"required_actions": ["notify_downstream"]},
        )  # fmt: skip
        bring_to(State.ACKNOWLEDGED, Order.objects.filter(id=order.id), acknowledged_at=at - 9 * DAY)
    Breach.objects.filter(party_id=contract.aggregator_id).update(mended_at=at)


def _notes_and_disputes(officer: Member, campaign: Campaign, at: datetime) -> None:
    day = (timezone.now() + 3 * DAY).date()
    for of, target, remind_on in (("contract", campaign.contract_id, day), ("party", campaign.lbs_provider_id, None)):
        add_note(
            of=of, target_id=target, note="Ask them.", owner=officer.actor,
            remind_on=remind_on, actor=an_actor(), at=timezone.now(),
        )  # fmt: skip
    for _ in range(2):
        a_ledger_row(a_line(), "stop", scope="campaign", ref=campaign.ref, at=at, reason="never_agreed")
    a_ledger_row(a_line(), "stop", scope="campaign", ref=campaign.ref, at=at)
    for of, target in (("campaign", campaign.pk), ("party", campaign.lbs_provider_id)):
        suspensions.suspend(
            of=of, target_id=target, actor="system:streams", reason="Three failed.", at=at, automatic=True
        )


def _incidents(officer: Member, at: datetime) -> None:
    for n in range(4):
        audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key=f"late {n}", subject="https://a.example", at=at)
        audit.actions.open_incident(
            kind=Incident.Kind.UNGATED, key=f"ungated {n}", subject="https://b.example", at=at - 40 * DAY
        )
    Incident.objects.filter(key__in=("late 0", "late 1")).update(assigned_to=officer.actor)


def _ends(at: datetime) -> None:
    """A campaign and a contract that end soon, one that outlives its contract, and an end by term that was undone."""
    now = timezone.now()
    link = a_contract(a_party("Hazel Link"), ref="AGR-hazel")
    marks = {"ends_at": now + 20 * DAY, "family_tracking": True, "names_recipient": True, "purpose": FRAUD}
    soon = a_campaign(link, a_party("Hazel Aid", "lbs_provider"), ref="CMP-soon", **marks)
    for name in ("Hazel Bank", "Hazel Shop"):
        Reach.objects.create(campaign=soon, party=a_party(name, "end_customer"))
    short = a_contract(a_party("Iris Link"), ref="AGR-iris", ends_at=now + 30 * DAY)
    a_campaign(short, a_party("Iris Aid", "lbs_provider"), ref="CMP-long", names_recipient=True)
    ended = a_campaign(link, a_party("Juniper Aid", "lbs_provider"), ref="CMP-ended")
    undone = a_cohort(ended, at=at, actor=BY_TERM, plan={"lines": 1})
    contradict_end(undone, at=now, complete_by=now + DAY)
    by_two = a_campaign(link, a_party("Kale Aid", "lbs_provider"), ref="CMP-kale")
    a_cohort(by_two, at=at, epoch=link.epoch + 2, actor=an_actor(), second_actor=an_actor())
    # What its ended campaign passed on went to somebody whom nobody can name, too.
    nobody = Party.objects.get(uri="unknown")
    Reach.objects.create(campaign=ended, party=nobody)
    Dealing.objects.create(line_id=a_line().pk, aggregator_id=link.aggregator_id, party=nobody, last_at=at)
    Separation.objects.filter(state="open").update(due_at=now - HOUR)
    line = a_line(role="user")
    signed_in(line)
    request_separation(line_id=line.pk, user=user_of(line), reach="Write to me", note="", at=at)
    Separation.objects.filter(line=line).update(due_at=now + HOUR)


def _differences(console: Console, officer: Member, at: datetime) -> Read:
    """What the books of a partner differ in besides, each as it is read."""
    run, contract = DigestRun.objects.get(), console.campaign.contract_id
    ours = {"line_id": console.line.pk, "contract_id": contract, "purpose": FRAUD}
    for kind, about in (("partner_has", {**ours, "told_so": True}), ("partner_lacks", ours)):
        made = DigestFinding.objects.create(run=run, kind=kind, found_at=at, **about)
        yield f"a difference: {kind}", read(officer, f"reconciliation/{run.pk}/{made.pk}/", {})
    made = DigestFinding.objects.create(run=run, kind="partner_has", found_at=at, line_id=a_line().pk)
    yield "a difference of a line never named", read(officer, f"reconciliation/{run.pk}/{made.pk}/", {})


def _keys(console: Console, officer: Member) -> Read:
    """What stands beside what, before another key or another address of keys is proposed."""
    machine = f"clients/{console.ids['number']}/key/"
    yield "another key of an API client", read(officer, machine, {"public_jwk": json.dumps(Signer("new").public)})
    contract = a_contract(a_party("Kiwi Link"), ref="AGR-kiwi", jwks_uri="https://kiwi.example/keys")
    address = {"jwks_uri": "https://kiwi.example/elsewhere", "hosts": "kiwi.example", "endpoint_url": ""}
    for title, form in (("another", address), ("no", {**address, "jwks_uri": ""})):
        yield f"{title} address of keys", read(officer, f"contracts/{contract.pk}/endpoints/", form)
    within = {"endpoint_url": "https://10.0.0.1/events", "jwks_uri": "https://10.0.0.1/keys"}
    refused = a_contract(a_party("Lychee Link"), ref="AGR-lychee", **within)
    yield "addresses that may not be called", read(officer, f"contracts/{refused.pk}/")


def _proposals(officer: Member) -> Read:
    """A longer term, proposed: to agree to, declined, and over."""
    now, later = timezone.now(), {"ends_at": "2097-01-01T00:00:00+00:00"}
    contract = a_contract(a_party("Lime Link"), ref="AGR-lime")
    for title, days in (("to agree to", 0), ("over", 8)):
        made = proposals.propose(
            act=Proposal.Act.EXTEND_TERM, of="contract", target_id=contract.pk, payload=later,
            reason="They asked.", actor=an_actor(), at=now - days * DAY,
        )  # fmt: skip
        yield f"a proposal {title}", read(officer, f"proposals/{made.pk}/")
        officer.client.post(f"/admin/proposals/{made.pk}/decline/", {"reason": "Not now."})
        yield f"a proposal {title}, declined", read(officer, f"proposals/{made.pk}/")
