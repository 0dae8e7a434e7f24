"""The officers' console: a contract's life, its suspension and its end, incidents, and what needs an officer."""

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Line
from audit.models import AuditEvent, Incident
from consent import tasks
from partners.models import Campaign, Client, Contract, Proposal, Suspension
from revocations.models import Cohort, StreamEvent
from support.queries.incidents import duties_of
from tests.factories import ROADSIDE, a_line, an_approval
from tests.people import signed_in
from tests.support.officers import Member, post, staff
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import main
from tests.words.partners import RECEIPT, Company, Market, Partner, claims_of, stamp
from tests.words.scripts import Desk, Reader
from tests.words.worlds import DAY, HOUR

pytestmark = pytest.mark.usefixtures("db")


def lines_that_agreed(ash: Partner, n: int) -> list[Line]:
    lines = [a_line() for _ in range(n)]
    for line in lines:
        an_approval(line, ash.campaign, at=timezone.now() - 90 * DAY)
    return lines


def told_by() -> datetime:
    """By when the newest release without the gate's yes may have to be told."""
    due_at = Incident.objects.filter(kind=Incident.Kind.UNGATED).latest("pk").due_at
    assert due_at
    return due_at


def a_reader(ash: Partner, *members: Member) -> Reader:
    reader = Reader(timezone.now(), members)
    reader.filled |= {
        "contract": ash.contract.ref, "campaign": ash.campaign.ref, "server": ash.server.url,
        "machine": ash.machine.client_id,
    }  # fmt: skip
    reader.filled |= {f"machine_{one.kind}": f"machine:{one.number}" for one in Client.objects.all()}
    return reader


def done_at(action: str) -> datetime:
    """When this was done last: by the database's clock, whatever time it is at the officer's."""
    return AuditEvent.objects.filter(action=action).latest("id").at


def test_a_contract_is_suspended_and_two_officers_lift_it(market: Market) -> None:
    ash = market.a_partner("Ash Exchange", service="Alder Aid")
    aid, bank = market.companies["Alder Aid"], market.a_company("Vine Bank", "end_customer")
    one_line, other = lines_that_agreed(ash, 2)
    now = timezone.now()
    market.reports(
        *(ash.release(one_line, aid, bank, at=now - n * DAY) for n in (1, 2, 29)),
        ash.release(other, aid, at=now - 3 * DAY),
        ash.release(other, aid, at=now - 31 * DAY),
        ash.release(other, aid, at=now - 3 * DAY, outcome="refused"),
    )
    first, second = staff(name="first"), staff(name="second")
    one, two = Desk(first), Desk(second)
    reader = a_reader(ash, first, second)
    reader.filled |= {"keys": aid.party.jwks_uri, "bank_keys": bank.party.jwks_uri}
    reader.knows(tell_by=told_by())
    paths = {
        "party": f"/admin/parties/{ash.party.pk}/", "contract": f"/admin/contracts/{ash.contract.pk}/",
        "campaign": f"/admin/campaigns/{ash.campaign.pk}/", "service": f"/admin/parties/{aid.party.pk}/",
        "customer": f"/admin/parties/{bank.party.pk}/",
    }  # fmt: skip
    with reader.later(hours=1):
        for name, path in paths.items():
            reader.reads(f"{name} in force", one, path)
        reader.reads("dashboard quiet", one, "/admin/")
    with reader.later(hours=2):
        post(first, f"/admin/suspend/contract/{ash.contract.pk}/", {"reason": "They sold it."})
    began = Suspension.objects.get().starts_at
    reader.knows(suspended=began, suspended_acted=done_at("suspension.began"))
    with reader.later(hours=3):
        for name, path in paths.items():
            reader.differs(f"{name} suspended", one, path)
        reader.differs("dashboard suspended", one, "/admin/")
        post(first, f"/admin/lift/contract/{ash.contract.pk}/", {"reason": "They mended it."})
    proposal = Proposal.objects.get()
    reader.knows(proposed=proposal.proposed_at, counts_until=proposal.proposed_at + 7 * DAY)
    page = f"/admin/proposals/{proposal.pk}/"
    with reader.later(hours=4):
        reader.reads("proposal of mine", one, page)
        reader.reads("proposal of another", two, page)
        reader.differs("contract asked", one, paths["contract"])
        reader.differs("dashboard of mine", one, "/admin/")
        reader.reads("proposals", one, "/admin/proposals/")
    with reader.later(hours=4, minutes=20):
        reader.reads("suspensions", one, "/admin/suspensions/")
    with reader.later(hours=5):
        post(second, f"{page}agree/", {"reason": "Seen it."})
        reader.knows(agreed=done_at("proposal.agreed"))
    lifted = Suspension.objects.get().ends_at
    assert lifted
    reader.knows(lifted=lifted)
    reader.filled["lasted"] = f"{int((lifted - began).total_seconds() // 60)} min"
    with reader.later(hours=6):
        reader.reads("proposal agreed", one, page)
        reader.differs("contract lifted", one, paths["contract"])
        reader.differs("campaign lifted", one, paths["campaign"])
        reader.differs("dashboard lifted", one, "/admin/")
        reader.reads("suspensions lifted", one, "/admin/suspensions/")
        reader.filled["days_left"] = f"{(ash.contract.ends_at - timezone.now()).days:,}"
        reader.reads("contracts", one, "/admin/contracts/")
        reader.reads("campaigns", one, "/admin/campaigns/")
        reader.reads("parties", one, "/admin/parties/")


def test_a_contract_is_drafted_in_force_and_ends(market: Market) -> None:
    ash = market.a_partner("Ash Exchange", service="Alder Aid")
    aid, officer = market.companies["Alder Aid"], staff(name="first")
    reader, browser = a_reader(ash, officer), Desk(officer)

    def day(n: int) -> str:
        return f"{(reader.base + n * DAY).astimezone(UTC):%Y-%m-%d}"

    reader.knows(signed=reader.base - DAY, starts=reader.base + 2 * DAY, ends=reader.base + 42 * DAY)
    with reader.later(hours=1):
        terms = {"starts_at": day(2), "ends_at": day(42)}
        post(officer, "/admin/contracts/draft/", {
            "ref": "AGR-NEW", "aggregator": ash.party.uri, "signed_at": day(-1), "purposes": [ROADSIDE],
            "ack_within_s": 600, "complete_within_days": 7, "endpoint_url": ash.contract.endpoint_url, **terms,
        })  # fmt: skip
        contract = Contract.objects.get(ref="AGR-NEW")
        post(officer, f"/admin/contracts/{contract.pk}/draft/", {
            "ref": "CMP-NEW", "lbs_provider": aid.party.uri, "purpose": ROADSIDE, "description": "Finds you.",
            "consent_flow": "sms", "scope": "location-retrieval:read", "precision_m": 100, "consideration": "monetary",
            "lifeline": "on", "recipients": "", **terms,
        })  # fmt: skip
        campaign = Campaign.objects.get(ref="CMP-NEW")
        reader.knows(drafted=done_at("campaign.drafted"))
    paths = {"contract": f"/admin/contracts/{contract.pk}/", "campaign": f"/admin/campaigns/{campaign.pk}/"}
    with reader.later(hours=2):
        for name, path in paths.items():
            reader.reads(f"{name} drafted", browser, path)
        for of, row in (("contract", contract), ("campaign", campaign)):
            post(officer, f"/admin/force/{of}/{row.pk}/", {"reason": "Both signed it."})
        reader.knows(forced=done_at("campaign.put_in_force"))
    stages = {"not begun": 1, "begun": 3, "ending": 15, "over": 43}
    for stage, days in stages.items():
        with reader.later(days=days) as at:
            reader.filled["left"] = f"in {(contract.ends_at - at).days} days"
            for name, path in paths.items():
                reader.differs(f"{name} {stage}", browser, path)
            reader.reads(f"dashboard {stage}", browser, "/admin/")
            reader.reads(f"contracts {stage}", browser, "/admin/contracts/?q=AGR-NEW")


def the_end(ash: Partner, *below: Mapping[str, str], acted_on: int, cohort: Cohort) -> None:
    """The partner signs that it deleted a whole contract's data."""
    told = claims_of(ash.server.posted[-1].body.decode())
    actions = ("stop_use", "delete_held", "notify_downstream")
    event = {
        "event_timestamp": int(time.time()), "status": "completed", "applied": {"epoch": cohort.epoch, "version": 0},
        "actions": [{"action": one, "status": "completed", "at": stamp(), "records": 3} for one in actions],
        "downstream": list(below), "acted_on": acted_on,
        "list_sha256": claims_of(cohort.index_token)["list_sha256"],
    }  # fmt: skip
    claims = {
        "iss": ash.party.uri, "aud": settings.BASE_URL, "jti": uuid.uuid4().hex, "iat": int(time.time()),
        "toe": int(time.time()), "txn": "tx",
        "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": told["jti"]}, "events": {RECEIPT: event},
    }  # fmt: skip
    answer = ash.machine.post("/ssf/receipts", ash.signer.sign(claims).encode(), "application/secevent+jwt")
    assert answer == (202, None), answer


def signed_below(ash: Partner, company: Company) -> dict[str, str]:
    """What a company below signed about the end, as the partner hands it on."""
    told = claims_of(ash.server.posted[-1].body.decode())
    event = {
        "event_timestamp": int(time.time()), "status": "completed",
        "actions": [{"action": "delete_held", "status": "completed", "at": stamp()}],
        "root": {"iss": settings.BASE_URL, "jti": told["jti"]},
    }  # fmt: skip
    token = company.signer.sign({
        "iss": company.party.uri, "aud": ash.party.uri, "jti": uuid.uuid4().hex, "iat": int(time.time()),
        "sub_id": {"format": "jwt_id", "iss": ash.party.uri, "jti": "their-own"}, "events": {RECEIPT: event},
    })  # fmt: skip
    return {"recipient": company.party.uri, "status": "completed", "at": stamp(), "receipt": token}


def test_two_end_a_contract_and_its_partner_signs(market: Market) -> None:
    ash = market.a_partner("Ash Exchange", service="Alder Aid")
    aid = market.companies["Alder Aid"]
    line, *_ = lines_that_agreed(ash, 3)
    market.reports(ash.release(line, aid, at=timezone.now() - DAY))
    first, second = staff(name="first"), staff(name="second")
    one, two = Desk(first), Desk(second)
    reader, contract = a_reader(ash, first, second), f"/admin/contracts/{ash.contract.pk}/"

    def told_at_home(*words: str) -> None:
        """What the person reads of it, in every language."""
        person = signed_in(line)
        for language in LANGUAGES:
            say = Words(language)
            days = {name: say.day(at) for name, at in reader.moments.items()}
            (notice,) = (one.words for one in main(person, "/home/", language).all("p", of_class="notice"))
            assert notice == " ".join(
                say(one, name=ash.name, party=ash.name, n=1, names="Alder Aid", **days) for one in words
            )

    with reader.later(hours=1):
        reader.reads("contract before its end", one, contract)
        reader.reads("plan", one, f"/admin/terminate/contract/{ash.contract.pk}/")
        plan = main(one, f"/admin/terminate/contract/{ash.contract.pk}/").one("input", name="plan").attributes["value"]
        post(first, f"/admin/terminate/contract/{ash.contract.pk}/", {
            "plan": plan, "typed": ash.contract.ref, "how": "propose", "reason": "They sold it.",
        })  # fmt: skip
    proposal = Proposal.objects.get()
    reader.knows(proposed=proposal.proposed_at, counts_until=proposal.proposed_at + 7 * DAY)
    page = f"/admin/proposals/{proposal.pk}/"
    with reader.later(hours=2):
        reader.reads("end proposed", two, page)
        post(second, f"{page}agree/", {"reason": "Seen it.", "typed": ash.contract.ref})
    cohort = Cohort.objects.get()
    reader.knows(tell_by=told_by())
    reader.knows(ended=cohort.terminated_at, delete_by=cohort.complete_by)
    # The database writes the end of a term by its own clock.
    reader.knows(term_ended=Contract.objects.get(pk=ash.contract.pk).ends_at)
    end = f"/admin/terminations/{cohort.pk}/"
    with reader.later(hours=3):
        reader.reads("end begun", one, end)
        reader.differs("contract ended", one, contract)
        reader.reads("dashboard of an end", one, "/admin/")
        tasks.build_manifests()
        told_at_home("we_ended_with", "must_delete_by")
    cohort.refresh_from_db()
    ash.is_told(after=4 * HOUR)
    event = StreamEvent.objects.get(pk=cohort.event_id or "")
    assert event.sent_at
    assert cohort.manifest_at
    assert cohort.manifest_expires_at
    reader.knows(listed=cohort.manifest_at, told=event.sent_at, fetch_until=cohort.manifest_expires_at)
    with reader.later(hours=5) as at:
        reader.differs("end told", one, end)
        the_end(ash, acted_on=2, cohort=cohort)
        reader.knows(signed=at)
    with reader.later(hours=6):
        reader.differs("end signed in part", one, end)
        reader.reads("ends", one, "/admin/terminations/")
        told_at_home("we_ended_with", "signed_for_some", "missing_1", "must_delete_by")
    # It is late from the very moment on at which it should be done.
    with reader.later(microseconds=(cohort.complete_by - reader.base) // timedelta(microseconds=1)):
        reader.differs("end late", one, end)
        reader.differs("dashboard of a late end", one, "/admin/")
        told_at_home("we_ended_with", "signed_for_some", "missing_1", "must_delete_by", "that_date_has_passed")
    with reader.later(days=13, minutes=30) as at:
        the_end(ash, signed_below(ash, aid), acted_on=3, cohort=cohort)
        reader.knows(signed_again=at)
        reader.differs("end signed", one, end)
        reader.differs("dashboard of a signed end", one, "/admin/")
        told_at_home("we_ended_with", "signed_that_deleted")


def test_an_incident_is_reported_worked_and_closed(market: Market) -> None:
    ash = market.a_partner("Ash Exchange", service="Alder Aid")
    first, second = staff(name="first"), staff(name="second")
    one, reader = Desk(first), a_reader(ash, first, second)
    with reader.later(hours=1):
        where = post(first, "/admin/incidents/report/", {
            "kind": "partner_breach", "company": ash.party.uri, "happened": "A laptop was stolen.",
            "affected": "Some lists.", "known_at": f"{reader.base.astimezone(UTC):%Y-%m-%dT%H:%M}",
            "reason": "They wrote to us.",
        })  # fmt: skip
        reader.knows(reported=done_at("incident.reported"), known=reader.base)
    incident = Incident.objects.get(kind="partner_breach")
    path = f"/admin/incidents/{incident.pk}/"
    assert where == path
    writing, agencies, customers = (duty.clock.due_at for duty in duties_of(incident=incident))
    reader.knows(writing=writing, agencies=agencies, customers=customers)
    with reader.later(hours=2):
        reader.reads("incident reported", one, path)
        post(first, f"{path}acknowledge/", {"reason": "Mine."})
        post(first, f"{path}assign/", {"to": second.actor, "reason": "Theirs."})
        post(first, f"{path}note/", {"reason": "They called."})
        reader.knows(worked=done_at("incident.noted"))
    with reader.later(hours=3):
        reader.differs("incident at work", one, path)
    with reader.later(days=40):
        reader.differs("incident late", one, path)
        reader.reads("dashboard of a late incident", one, "/admin/")
        post(first, f"{path}close/", {"reason": "Mended."})
        reader.knows(closed=done_at("incident.closed"))
        # From end to end by the database's clock: as long as this test took.
        open_for = (done_at("incident.closed") - done_at("incident.reported")) // timedelta(minutes=1)
        reader.filled["open_for"] = f"{open_for} minute{'' if open_for == 1 else 's'}"
        reader.differs("incident closed", one, path)
