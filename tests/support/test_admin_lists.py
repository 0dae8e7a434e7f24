"""Lists of the console, and the pages that their rows lead to: few statements, how each stands, what changed."""

import re
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import audit.actions
import disclosures.actions
from accounts.models import User
from audit.models import AuditEvent, Incident
from consent.models import DigestRun
from console.views import listing
from disclosures.models import DelayedNotice, Disclosure
from partners.actions import proposals, suspensions
from partners.actions.terms import RuleTerms, add_rule
from partners.models import Campaign, Dealing, Party, Proposal
from partners.models import Client as Machine
from revocations.models import Breach, Order, Stream
from support.queries import counts
from support.queries.counts import CAP, Count
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party
from tests.moments import A_MOMENT
from tests.plans import count_readings
from tests.properties import undone
from tests.selection import drawn
from tests.staff import a_notice, an_actor
from tests.support.console import a_breach, a_chain, a_cohort
from tests.support.officers import Member, post, rows_of, shown, sign_in_anew, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
# How many statements a page costs, sign-in included, whatever the number of its rows.
# Session, person, whether the gate is closed, and the reader's saved views.
EVERY_LIST = 4


COST = {
    "parties": 4 + 1, "contracts": 10 + 1, "campaigns": 7 + 1, "purposes": 3 + 1, "suspensions": 2 + 1,
    "proposals": 3 + 1, "terminations": 3 + 1, "streams": 3 + 1, "orders": 2 + 1, "breaches": 2 + 1,
    "reconciliation": 1 + 1,
    "keys": 1, "clients": 1, "rules": 2, "anomaly-rules": 2 + 1, "notices": 1 + 1, "incidents": 4 + 1, "trail": 6 + 3,
}  # fmt: skip


def one_more_of_each(n: int, *, at: datetime) -> None:
    """One row more in every list."""
    campaign = a_chain(a_line(), f"Partner {n}", at=at)
    party = campaign.contract.aggregator
    a_campaign(campaign.contract, campaign.lbs_provider, purpose=f"dpv:Purpose{n}")
    officer = an_actor()
    suspensions.suspend(of="party", target_id=party.pk, actor=officer, reason=f"Reason {n}.", at=at)
    proposals.propose(
        act=Proposal.Act.LIFT_SUSPENSION, of="party", target_id=party.pk, payload={}, reason=f"Again {n}.",
        actor=officer, at=at,
    )  # fmt: skip
    a_cohort(campaign, at=at)
    a_breach(campaign, f"order:{n}", at=at)
    Order.objects.create(
        line_id=n, id=uuid.uuid4(), contract_id=campaign.contract_id, party_id=party.pk, epoch=1, version=1, jti="j",
        txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={"required_actions": []}, queued_at=at,
        next_attempt_at=at, complete_by=at,
    )  # fmt: skip
    DigestRun.objects.create(id=uuid.uuid4(), party_id=party.pk, received_at=at, differing=[])
    Machine.objects.create(
        client_id=f"machine-{n}", kind=Machine.Kind.AGGREGATOR, party=party, public_jwk={"kty": "EC"}, disabled_at=at
    )
    add_rule(
        terms=RuleTerms(state="NV", starts_at=at + timedelta(days=n), purposes=(), sale_test=True, source=f"Act {n}"),
        reason="New law.",
        actor=officer,
        at=at,
    )
    a_notice(f"Wording {n}.", at=at)
    disclosures.actions.change_anomaly_rule(
        kind="burst", threshold=20 - n, window=60, suspend_after_days=None, enabled=True, reason="Too many.",
        actor=officer, at=at,
    )  # fmt: skip
    audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key=str(n), subject=f"Subject {n}", at=at)


def statements(member: Member, path: str) -> int:
    member.client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert member.client.get(path).status_code == 200
    return len(captured)


def test_a_list_costs_the_same_whatever_its_rows(officer: Member) -> None:
    at = timezone.now()
    one_more_of_each(1, at=at)
    with_one = {name: statements(officer, f"/admin/{name}/") for name in COST}
    rows = {name: len(rows_of(officer, f"/admin/{name}/")) for name in COST}
    one_more_of_each(2, at=at)
    one_more_of_each(3, at=at)
    with_three = {name: statements(officer, f"/admin/{name}/") for name in COST}
    more = {name: len(rows_of(officer, f"/admin/{name}/")) - n for name, n in rows.items()}
    assert with_one == with_three == {name: n + EVERY_LIST for name, n in COST.items()}
    assert {name for name, n in more.items() if n < 2} == {"keys"}
    # What companies missed stays for good: it is not read for each contract.
    assert count_readings(officer.client, "/admin/contracts/", "revocations_breach") == 1


def test_a_list_that_is_over_is_not_counted(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last page says how many there are, and every page the same."""
    for n in range(5):
        audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key=str(n), subject=f"Subject {n}", at=timezone.now())
    monkeypatch.setattr(listing, "SIZE", 2)
    cost = {}
    for page, rows in ((1, 2), (2, 2), (3, 1), (4, 2)):
        path = f"/admin/incidents/?page={page}"
        assert "5 in this list" in shown(officer, path)
        assert len(rows_of(officer, path)) == rows
        cost[page] = statements(officer, path)
    assert cost[3] == cost[1] - 1 == cost[2] - 1


def test_the_dashboard_costs_the_same_whatever_is_wrong(officer: Member) -> None:
    at = timezone.now()
    one_more_of_each(1, at=at)
    with_one = statements(officer, "/admin/")
    one_more_of_each(2, at=at)
    assert statements(officer, "/admin/") == with_one == 38


def test_the_dashboard_names_the_worst_partners_and_counts_the_others(officer: Member) -> None:
    at = timezone.now()
    for n in range(12):
        contract = a_contract(a_party(f"Partner {n:02}"))
        if n == 11:
            Stream.objects.create(
                id=uuid.uuid4(), party_id=contract.aggregator_id, method=Stream.Method.POLL,
                status=Stream.Status.DISABLED, status_by="partner", status_at=at, created_at=at,
            )  # fmt: skip
    told = shown(officer, "/admin/")
    assert re.findall(r"Partner \d\d", told) == ["Partner 11", *(f"Partner {n:02}" for n in range(7))]
    assert "And 4 more, none more serious: see all streams ." in told


def test_the_contracts_list_answers_at_a_glance(officer: Member) -> None:
    at = timezone.now()
    campaign = a_chain(a_line(), "GeoBridge", at=at)
    contract = campaign.contract
    Order.objects.create(
        line_id=1, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1, version=1,
        jti="j", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={}, queued_at=at - timedelta(hours=3),
        next_attempt_at=at,
    )  # fmt: skip
    a_breach(campaign, "order:1", at=at)
    with time_machine.travel(at, tick=False):
        (row,) = rows_of(officer, "/admin/contracts/")
    ends = f"{(contract.ends_at - at).days:,}"
    assert row == f"{contract.ref} GeoBridge in force in {ends} days 1 Jan 2096 1 1 1 late push 180 min 1".replace(
        "180 min", "3 h"
    )


def test_each_stage_is_said_and_found_by_its_filter(officer: Member) -> None:
    at = timezone.now()
    stages: dict[str, dict[str, Any]] = {
        "draft": {"is_draft": True}, "not yet begun": {"starts_at": at + timedelta(days=3)}, "in force": {},
        "ending": {"ends_at": at + timedelta(days=20)}, "suspended": {}, "ended": {"ends_at": at - timedelta(days=1)},
    }  # fmt: skip
    for n, (stage, fields) in enumerate(stages.items()):
        contract = a_contract(a_party(f"Partner {n}"), ref=f"AGR-{n}", **fields)
        a_campaign(contract, ref=f"CMP-{n}")
        if stage == "suspended":
            suspensions.suspend(of="contract", target_id=contract.pk, actor=an_actor(), reason="Sold.", at=at)
    contracts, campaigns = (rows_of(officer, f"/admin/{of}/") for of in ("contracts", "campaigns"))
    for n, stage in enumerate(stages):
        assert [stage in row for row in contracts if f"AGR-{n} " in row] == [True]
        assert [stage in row for row in campaigns if f"CMP-{n} " in row] == [True]
        (found,) = rows_of(officer, f"/admin/contracts/?stage={stage}")
        assert f"AGR-{n} " in found
    (found,) = rows_of(officer, "/admin/campaigns/?stage=suspended")
    assert "CMP-4 " in found


def test_a_list_is_searched_narrowed_and_sorted(officer: Member) -> None:
    for name, kind in (("Alpha", "aggregator"), ("Beta", "lbs_provider"), ("Gamma", "lbs_provider")):
        a_party(name, kind)
    names = ["Alpha", "Beta", "Gamma"]

    def found(question: str) -> list[str]:
        return [row.split()[0] for row in rows_of(officer, f"/admin/parties/{question}") if row.split()[0] in names]

    assert found("") == names
    assert found("?sort=-name") == names[::-1]
    assert found("?q=BET") == ["Beta"]
    assert found("?kind=lbs_provider") == ["Beta", "Gamma"]
    assert found("?kind=lbs_provider&q=gam&sort=name") == ["Gamma"]
    assert "No matches" in shown(officer, "/admin/parties/?q=nobody-is-called-so")


def test_a_list_takes_any_question(officer: Member) -> None:
    odd = ("?page=0", "?page=x", "?page=99999999", "?sort=password", "?kind=%00", "?q=%00", "?page=-1")
    for n, name in enumerate(COST):
        for question in drawn(odd, of=3, row=n):
            assert officer.client.get(f"/admin/{name}/{question}").status_code == 200, (name, question)


def test_the_second_page_goes_on_where_the_first_ended(officer: Member) -> None:
    Party.objects.bulk_create(
        Party(uri=f"https://p{n:03}.example", name=f"P{n:03}", kind="end_customer") for n in range(120)
    )
    pages = [rows_of(officer, f"/admin/parties/?kind=end_customer&page={n}") for n in (1, 2, 3, 4, 0, "x")]
    assert [len(page) for page in pages] == [50, 50, 20, 50, 50, 50]
    assert [row.split()[0] for page in pages[:3] for row in page] == [f"P{n:03}" for n in range(120)]
    # A page that there is none of, or none any more, is the first.
    assert pages[3] == pages[4] == pages[5] == pages[0]


def test_empty_lists_say_why_that_is_all_right(officer: Member) -> None:
    for name, words in (
        ("suspensions", "Nothing is suspended"), ("proposals", "No proposals"),
        ("terminations", "Nothing has ended"),
        ("breaches", "No missed deadlines"), ("incidents", "No incidents"), ("reconciliation", "No reconciliation yet"),
        ("trail", "Nothing yet"), ("contracts", "No contracts yet"),
    ):  # fmt: skip
        assert words in shown(officer, f"/admin/{name}/")


def test_what_a_stream_is_in_is_said_and_found(officer: Member) -> None:
    at = timezone.now()
    paused, quiet, new, well = (a_contract(a_party(name)).aggregator for name in ("Halted", "Quiet", "Recent", "Well"))
    Stream.objects.create(
        id=uuid.uuid4(), party_id=paused.pk, method=Stream.Method.POLL, status=Stream.Status.PAUSED,
        status_reason="We look into it.", status_by="officer:1", status_at=at, created_at=at,
    )  # fmt: skip
    for party, verified_at in ((new, None), (well, at)):
        Stream.objects.create(
            id=uuid.uuid4(), party_id=party.pk, method=Stream.Method.PUSH, status=Stream.Status.ENABLED,
            endpoint_url="https://partner.example/events", status_by="system:streams", status_at=at,
            created_at=at, verified_at=verified_at,
        )  # fmt: skip
    rows = rows_of(officer, "/admin/streams/")
    assert [row.split()[0] for row in rows] == [paused.name, quiet.name, new.name, well.name]
    assert "paused The stream is paused. We look into it. poll" in rows[0]
    assert "not verified No stream set up" in rows[1]
    assert "not verified It hasn't answered a verification yet. push" in rows[2]
    assert "well push" in rows[3]
    for name, word in ((quiet.pk, "not verified"), (well.pk, "well")):
        assert f"Sent to {Party.objects.get(pk=name).name} {word} " in shown(officer, f"/admin/streams/{name}/")
    for party, offered in ((paused, "Enable"), (quiet, "Pause"), (well, "Pause")):
        assert f"Resend latest Recover {offered} Receives by" in shown(officer, f"/admin/streams/{party.pk}/")
    with undone():
        Stream.objects.filter(party_id=well.pk).update(status=Stream.Status.DISABLED)
        assert "Resend latest Recover Enable Receives by" in shown(officer, f"/admin/streams/{well.pk}/")
    dashboard = shown(officer, "/admin/")
    assert "1 of 4 partners has delivery problems." in dashboard
    assert "Recent It hasn't answered a verification yet. not verified" in dashboard
    assert [row.split()[0] for row in rows_of(officer, "/admin/streams/?status=paused")] == ["Halted"]


def a_release(
    line_id: int, campaign: Campaign, at: datetime, *, basis: str = "approval", judgement: str = "permitted"
) -> Disclosure:
    return Disclosure.objects.create(
        line_id=line_id, occurred_at=at, id=uuid.uuid4(), source_id=str(uuid.uuid4()), aggregator="a", path=["a"],
        campaign=campaign.ref, purpose=campaign.purpose, scope=campaign.scope, precision_m=500, basis=basis,
        outcome="refused" if judgement == "refused" else "released", judgement=judgement, recorded_at=at,
    )  # fmt: skip


def test_look_ups_are_of_thirty_days_without_hidden_rows(db: None) -> None:
    at = timezone.now()
    line, campaign = a_line(), a_campaign()
    month = timedelta(days=30)
    for ago in (-A_MOMENT, timedelta(), timedelta(days=2), month, month + A_MOMENT):
        a_release(line.pk, campaign, at - ago)
    a_release(line.pk, campaign, at - timedelta(days=1), basis="emergency", judgement="emergency")
    a_release(line.pk, campaign, at - timedelta(days=1), judgement="refused")
    assert counts.lookups(at=at)[campaign.ref] == Count(3)
    hidden = a_release(line.pk, campaign, at - timedelta(days=3))
    notice = {"line_id": line.pk, "disclosure_id": hidden.id, "recorded_at": at}
    DelayedNotice.objects.create(number=1, suppressed_until=None, **notice)
    assert counts.lookups(at=at)[campaign.ref] == Count(3)
    DelayedNotice.objects.create(number=2, suppressed_until=at, **notice)
    assert counts.lookups(at=at - A_MOMENT)[campaign.ref] == Count(3)
    assert counts.lookups(at=at)[campaign.ref] == Count(4)


def test_many_rows_are_told_from_a_sample(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    at = timezone.now()
    line, campaign = a_line(), a_campaign()
    for minutes in range(1, 400):
        a_release(line.pk, campaign, at - timedelta(minutes=minutes))
    monkeypatch.setattr(counts, "SAMPLED_BLOCKS", 1)
    with CaptureQueriesContext(connection) as captured:
        found = counts.lookups(at=at)[campaign.ref]
    assert len(captured) == 3
    assert "TABLESAMPLE SYSTEM (100.0)" not in captured[2]["sql"]
    assert found.about
    assert str(Count(1_200_000, about=True)) == "about 1,200,000"
    other = a_campaign()
    for minutes in range(4):
        a_release(line.pk, other, at - timedelta(minutes=minutes))
    # None of them, or too few, may be in the sample: nobody takes that for nought.
    assert str(counts.lookups(at=at)[other.ref]) == "too few to show"
    assert {str(one) for one in counts.lookups_by_month(refs=[other.ref], at=at).values()} == {"too few to show"}
    # As good as all of them: two figures are told.
    monkeypatch.setattr(counts, "_get_sampled_share", lambda _cursor, _since: 99.99999)
    enough = a_campaign()
    for minutes in range(5):
        a_release(line.pk, enough, at - timedelta(minutes=minutes))
    found_of = counts.lookups(at=at)
    told = [str(found_of[one.ref]) for one in (campaign, enough, other)]
    assert told == ["about 400", "about 5", "too few to show"]
    page = shown(staff(), f"/admin/campaigns/{campaign.pk}/")
    assert "Look-ups by month (UTC), estimated from a sample" in page


def test_lines_are_counted_no_further_than_the_cap(db: None) -> None:
    party = a_party()
    for first, last, counted in ((1, 7, "7"), (8, CAP + 5, "more than 10,000")):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO partners_dealing (line_id, aggregator_id, party_id, last_at)"
                " SELECT n, %s, %s, now() FROM generate_series(%s::int, %s::int) n",
                [party.pk, party.pk, first, last],
            )
        assert str(counts.lines_of(party_ids=[party.pk])[party.pk]) == counted


def test_rows_are_counted_no_further_than_the_cap(db: None) -> None:
    Breach.objects.bulk_create(
        Breach(kind="complete", contract_id=1, party_id=1, about=f"order:{n}", due_at=timezone.now(), at=timezone.now())
        for n in range(CAP + 2)
    )
    assert str(counts.count_of(rows=Breach.objects.order_by("-id"))) == "more than 10,000"
    assert str(counts.count_of(rows=Breach.objects.filter(about="order:7"))) == "1"


def test_rows_that_are_distinct_or_of_groups_count_as_those(db: None) -> None:
    for role, many in (("agent", 3), ("officer", 2), ("legal", 1)):
        for n in range(many):
            staff(role, name=f"{role}{n}")
    users = User.objects.order_by("role")
    groups = users.values("role").annotate(n=models.Count("pk"))
    agents, legal = users.filter(role="agent"), users.filter(role="legal")
    rows = (
        users, users.values("role").distinct(), users.distinct("role"), groups, groups.filter(n__gt=1),
        agents.values("role").union(legal.values("role")), users.none(), users.none().distinct(), agents[:2],
    )  # fmt: skip
    assert [one.n for one in counts.count_each(rows=rows[:-1])] == [6, 3, 3, 3, 2, 2, 0, 0]
    # What would be sorted to be cut is refused.
    with pytest.raises(TypeError):
        counts.count_each(rows=rows)


# The pages of a company, contract and campaign say how it stands, and what each change changed.


DAY = timedelta(days=1)


def test_a_company_says_how_it_stands(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    campaign, other = a_chain(line, "Ash", at=at), a_chain(line, "Birch", at=at)
    contract, party = campaign.contract, campaign.contract.aggregator
    # The chain has one of yesterday.
    days = (1, 20, 21, 60)
    for n in (*days[1:], 400):
        a_release(line.pk, campaign, at - n * DAY)
    months = Counter(f"{(at - n * DAY).astimezone(UTC):%B %Y}" for n in days)
    a_release(line.pk, other, at - DAY)
    paths = (f"/admin/parties/{party.pk}/", f"/admin/contracts/{contract.pk}/", f"/admin/campaigns/{campaign.pk}/")
    before = [shown(officer, path) for path in paths]
    hidden = a_release(line.pk, campaign, at - 2 * DAY)
    DelayedNotice.objects.create(
        line_id=line.pk, disclosure_id=hidden.id, number=1, suppressed_until=None, order_ref="x", recorded_at=at
    )
    assert [shown(officer, path) for path in paths] == before
    for ref in (campaign.ref, other.ref):
        a_ledger_row(a_line(), "stop", scope="campaign", ref=ref, at=at, reason="never_agreed")
    for subject, key in ((party.uri, "1"), (f"partner:{party.pk}", "2"), ("https://birch.example", "3")):
        audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key=key, subject=subject, at=at)
    DigestRun.objects.create(
        id=uuid.uuid4(), party_id=party.pk, received_at=at, differing=[1], finished_at=at, findings={"partner_has": 3}
    )
    company, agreement, usage = (shown(officer, path).partition("At a glance")[2] for path in paths)
    provider = campaign.lbs_provider
    Dealing.objects.create(
        line_id=a_line().pk, aggregator=other.contract.aggregator, party=provider, first_at=at, last_at=at
    )
    reached = f"in all of this company's campaigns through {party.name}"
    assert f"Lines reached 1, {reached}" in usage
    assert f"Lines reached 1, {reached}" in shown(officer, paths[2])
    assert "Lines reached 2" in shown(officer, f"/admin/parties/{provider.pk}/")
    assert "Lines reached (whole company) 1 Look-ups in 30 days" in shown(officer, paths[1])
    for said in (
        *(f"{month} {n} " for month, n in months.items()), "Lines reached 1",
        "Missing signatures none past their date",
        f"Reconciliation {at:%-d %b %Y} : 3 consents the partner allows and we deny",
        "Open incidents 2", "Disputes “I never agreed” 1 time, 100.0% of 1 consents on record", "Owner nobody",
    ):  # fmt: skip
        assert said in company
    assert f"{at:%b %Y} Show as a table" in agreement
    assert "Reconciliation (whole company)" in agreement
    assert "Open incidents (whole company) 2" in agreement
    unsigned = agreement[agreement.index("Unsigned orders") :].partition(" Open incidents")[0]
    assert unsigned.startswith("Unsigned orders 0 Missing signatures none past their date Reconciliation (whole")
    assert f"Owner nobody Orders of its contract {contract.ref} with {party.name} {unsigned} " in usage
    assert f'href="/admin/orders/?contract={contract.pk}"' in officer.client.get(paths[2]).text
    assert sum(int(n) for n in re.findall(r"[a-z]+ 20\d\d (\d+)", company.partition("Lines reached")[0])) == len(days)
    assert len(rows_of(officer, f"/admin/incidents/?company={party.uri}&state=open")) == 2


def test_a_note_names_an_owner_and_reminds_officers(officer: Member) -> None:
    at, second = timezone.now(), staff(User.Role.OFFICER, name="second")
    contract = a_chain(a_line(), "Ash", at=at).contract
    other = a_chain(a_line(), "Birch", at=at).contract
    page, form = f"/admin/contracts/{contract.pk}/", f"/admin/note/contract/{contract.pk}/"
    day = f"{at + 3 * DAY:%Y-%m-%d}"
    assert post(officer, form, {"reason": "They want a longer term.", "owner": second.actor, "remind_on": day}) == page
    assert post(officer, form, {"reason": "Called them.", "owner": "same"}) == page
    assert post(officer, form, {"reason": "Too late.", "owner": "same", "remind_on": f"{at:%Y-%m-%d}"}) == ""
    assert post(officer, form, {"reason": "Nobody's.", "owner": "officer:999999"}) == ""
    told = shown(officer, page)
    assert f"Owner second@carrier.example Reminder {at + 3 * DAY:%-d %b %Y}" in told
    set_to = f"owner: {second.user.email}, was nobody; reminder: {at + 3 * DAY:%-d %b %Y}, was none"
    assert f"contract: note added ({set_to})" in told
    assert f"{officer.user.email}: Called them." in told
    assert post(officer, form, {"reason": "?", "owner": "same", "remind_on": day, "no_reminder": "on"}) == ""
    about = f"/admin/parties/{contract.aggregator_id}/"
    assert post(officer, f"/admin/note/party/{contract.aggregator_id}/", {
        "reason": "Theirs.", "owner": "same", "remind_on": day,
    }) == about  # fmt: skip
    assert "Remind us on" not in shown(officer, f"/admin/note/party/{contract.aggregator_id}/")
    assert "company: note added " in shown(officer, about)
    until, reminded = f"until {contract.ends_at:%-d %b %Y}", f"reminder: {at + 3 * DAY:%-d %b %Y}"
    assert f"Contracts {contract.ref} (in force), {until}, {reminded} Website" in shown(officer, about)
    assert shown(officer, about).count("reminder") == 1
    until = f"until {other.ends_at:%-d %b %Y}"
    assert f"{other.ref} (in force), {until}, reminder: none Website" in shown(
        officer, f"/admin/parties/{other.aggregator_id}/"
    )
    post(officer, f"/admin/note/contract/{other.pk}/", {"reason": "Later.", "owner": "same", "remind_on": "2090-01-01"})
    assert rows_of(officer, "/admin/contracts/?remind=due") == []
    with time_machine.travel(at + 4 * DAY, tick=False):
        sign_in_anew(officer)
        (row,) = rows_of(officer, "/admin/contracts/?remind=due")
        assert row.startswith(contract.ref)
        assert '<a href="/admin/contracts/?remind=due">Contracts to renew</a></dt><dd class="warn">1</dd>' in (
            officer.client.get("/admin/").content.decode()
        )
        assert post(officer, form, {"reason": "Renewed.", "owner": "same", "no_reminder": "on"}) == page
        assert rows_of(officer, "/admin/contracts/?remind=due") == []
        assert f"contract: note added (reminder: none, was {at + 3 * DAY:%-d %b %Y})" in shown(officer, page)
        # Of two of one moment the later one counts.
        for owner in (officer, second):
            assert post(officer, form, {"reason": "Mine.", "owner": owner.actor}) == page
        assert "Owner second@carrier.example" in shown(officer, page)
    assert AuditEvent.objects.filter(action="contract.noted", target=f"contract:{contract.pk}").count() == 5


def test_each_change_is_said_before_and_after(officer: Member) -> None:
    party = a_chain(a_line(), "Ash", at=timezone.now()).contract.aggregator
    page = f"/admin/parties/{party.pk}/"
    fields = {"name": "Ash Two", "website": "", "about": "Finds cars.", "jwks_uri": party.jwks_uri}
    assert post(officer, f"{page}change/", {**fields, "reason": "New name."}) == page
    said = "company: changed (what it does: Finds cars., was none; name: Ash Two, was Ash)"
    assert said in shown(officer, page)
    assert "what it does: Finds cars., was none; name: Ash Two, was Ash" in shown(
        officer, f"/admin/trail/?on=party:{party.pk}"
    )
    assert [row for row in rows_of(officer, f"/admin/trail/?on=party:{party.pk}") if "changed" not in row] == []
