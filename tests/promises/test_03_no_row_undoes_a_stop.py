"""Promise 3, in the database: no row that a stop hangs on can be changed into one that it misses, by whatever role."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import allow, pause, stop
from consent.models import InvalidatedApproval, LineGate, Origin
from partners.models import Campaign, Dealing, IdentifierLink, JurisdictionRule, Reach, Suspension
from tests.factories import LONG_AGO, NOW, a_campaign, a_ledger_row, a_line, a_party, an_approval
from tests.fixtures import Refusal
from tests.promises.asking import ask

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
BAIL = "https://bailnow.example"
BOTH = pytest.mark.parametrize("role", ["default", "owner"])
NEW_ID = "id = id + 100000"


@pytest.fixture
def line() -> Line:
    return a_line(msisdn="+12065550998")


def stop_all(line: Line) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")


@BOTH
def test_a_company_keeps_the_address_that_stops_name(
    line: Line, campaign: Campaign, refused: Refusal, role: str
) -> None:
    stop(line_id=line.pk, scope="party", ref=campaign.lbs_provider.uri, actor="subscriber:1", channel="web")
    for change in ("uri = 'https://renamed.example'", NEW_ID):
        refused(
            f"UPDATE partners_party SET {change} WHERE id = {campaign.lbs_provider_id}",
            constraint="partners_party_stays_itself",
            using=role,
        )
    assert ask(line, campaign).reason == "stopped_party"


@BOTH
def test_a_contract_stays_with_its_aggregator(line: Line, campaign: Campaign, refused: Refusal, role: str) -> None:
    stop(line_id=line.pk, scope="party", ref=campaign.contract.aggregator.uri, actor="subscriber:1", channel="web")
    other = a_party("NorthLink")
    for change in (f"aggregator_id = {other.pk}", "ref = 'AGR-other'", NEW_ID):
        refused(
            f"UPDATE partners_contract SET {change} WHERE id = {campaign.contract_id}",
            constraint="partners_contract_stays_itself",
            using=role,
        )
    assert ask(line, campaign).reason == "stopped_party"


@BOTH
def test_a_campaign_keeps_its_name_though_nobody_agreed_to_it(line: Line, refused: Refusal, role: str) -> None:
    campaign = a_campaign()
    stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    for change in ("ref = 'CMP-new'", NEW_ID):
        refused(
            f"UPDATE partners_campaign SET {change} WHERE id = {campaign.pk}",
            constraint="partners_campaign_stays_itself",
            using=role,
        )
    an_approval(line, campaign, at=database_clock())
    assert ask(line, campaign).reason == "stopped_campaign"


@BOTH
def test_no_campaign_begins_to_name_its_recipient(line: Line, campaign: Campaign, refused: Refusal, role: str) -> None:
    bail = a_party("Bail Now", "end_customer")
    Reach.objects.create(campaign=campaign, party=bail)
    stop(line_id=line.pk, scope="party", ref=bail.uri, actor="subscriber:1", channel="web")
    refused(
        f"UPDATE partners_campaign SET names_recipient = true WHERE id = {campaign.pk}",
        constraint="partners_recipient_stays_covered",
        using=role,
    )
    assert ask(line, campaign).reason == "stopped_party"


def test_who_is_behind_a_use_stays_behind_it(refused: Refusal) -> None:
    bail = a_party("Bail Now", "end_customer")
    campaign = a_campaign(names_recipient=True)
    Reach.objects.create(campaign=campaign, party=bail)
    for change in ("told_apart = false", "party_id = 1", "campaign_id = campaign_id + 1"):
        refused(f"UPDATE partners_reach SET {change}", constraint="partners_reach_only_grows", using="owner")
    refused("UPDATE partners_reach SET told_apart = false", constraint="partners_reach_only_grows")
    refused("UPDATE partners_reach SET party_id = 1")
    assert list(Reach.objects.values_list("campaign_id", "party_id", "told_apart")) == [(campaign.pk, bail.pk, True)]


def test_a_draft_may_name_recipients_a_campaign_may_cease_to() -> None:
    draft, running = a_campaign(is_draft=True), a_campaign(names_recipient=True)
    assert Campaign.objects.filter(pk=draft.pk).update(names_recipient=True) == 1
    assert Campaign.objects.filter(pk=running.pk).update(names_recipient=False) == 1


@BOTH
@pytest.mark.parametrize("change", [NEW_ID, "carrier_id = 'L-other'"])
def test_a_tenure_stays_itself(line: Line, campaign: Campaign, refused: Refusal, role: str, change: str) -> None:
    stop_all(line)
    refused(f"UPDATE accounts_line SET {change}", constraint="accounts_line_stays_itself", using=role)
    assert ask(line, campaign).reason == "stopped_all"


@BOTH
@pytest.mark.parametrize(
    "change", ["line_id = {other}", r"msisdn_hash = '\x00'", "starts_at = starts_at - interval '1 second'", NEW_ID]
)
def test_a_number_stays_with_the_tenure_that_had_it(
    line: Line, campaign: Campaign, refused: Refusal, role: str, change: str
) -> None:
    stop_all(line)
    other = a_line(activated_at=LONG_AGO + timedelta(days=1))
    refused(
        f"UPDATE accounts_linenumber SET {change.format(other=other.pk)} WHERE line_id = {line.pk}",
        constraint="accounts_number_stays_with_its_line",
        using=role,
    )
    assert ask(line, campaign).reason == "stopped_all"


@pytest.mark.parametrize(
    "change",
    [
        "of = 'contract'", "target_id = target_id + 1", "automatic = true", "starts_at = now()", "reason = 'Other'",
        "actor = 'officer:2'",
    ],
)  # fmt: skip
def test_a_suspension_stays_what_it_is(campaign: Campaign, refused: Refusal, change: str) -> None:
    Suspension.objects.create(
        of="campaign", target_id=campaign.pk, starts_at=LONG_AGO, reason="Due", actor="officer:1"
    )  # fmt: skip
    refused(f"UPDATE partners_suspension SET {change}", constraint="partners_suspension_lift", using="owner")


def test_the_gate_row_follows_the_ledger_whoever_writes(line: Line, campaign: Campaign, refused: Refusal) -> None:
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    stop_all(line)
    far = database_clock() + timedelta(days=3)
    pause(line_id=line.pk, scope="all", until=far, actor="subscriber:1", channel="web")
    for change in ("stops = '{}'", """stops = '{"all": {"person": 1}}'""", """stops = '{"all": {"file": 1}}'"""):
        refused(f"UPDATE consent_linegate SET {change}", constraint="consent_linegate_keeps_stops", using="owner")
    for change in (
        "pauses = '{}'",
        f"""approvals = '{{"{campaign.ref}": [[9000000000000000, null, "person"]]}}'""",
        """stops = stops || '{"party:x": {"person": 1}}'""",
        "newest_at = '2999-01-01'",
        "line_id = line_id + 1",
    ):
        refused(f"UPDATE consent_linegate SET {change}", constraint="consent_linegate_follows_ledger", using="owner")
    refused("DELETE FROM consent_linegate", constraint="consent_linegate_kept", using="owner")
    refused("TRUNCATE consent_linegate", constraint="consent_linegate_no_truncate", using="owner")
    assert ask(line, campaign).reason == "stopped_all"


def test_a_wrong_gate_row_is_rebuilt_from_the_ledger(line: Line, campaign: Campaign) -> None:
    stop_all(line)
    whole = LineGate.objects.get(line_id=line.pk)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE consent_linegate SET stops = '{}', newest_at = NULL")
        cursor.execute("SET session_replication_role = origin")
        assert ask(line, campaign).allowed
        cursor.execute("SELECT consent_put_gate(consent_replayed_gate(%s))", [line.pk])
    again = LineGate.objects.get(line_id=line.pk)
    assert (again.stops, again.newest_at, again.approvals) == (whole.stops, whole.newest_at, whole.approvals)
    assert ask(line, campaign).reason == "stopped_all"


def test_a_yes_is_set_aside_and_no_stop(line: Line, refused: Refusal) -> None:
    campaign = a_campaign()
    no = a_ledger_row(line, "stop", scope="campaign", ref=campaign.ref, at=NOW, origin=Origin.FILE)
    yes = an_approval(line, campaign)
    refused(
        "INSERT INTO consent_setaside (line_id, yes_id, campaign, recorded_at)"
        f" VALUES ({line.pk}, '{no.id}', '{campaign.ref}', now())",
        constraint="consent_set_aside_is_a_yes_of_a_file",
    )
    InvalidatedApproval.objects.create(line_id=line.pk, yes_id=yes.id, campaign=campaign.ref, recorded_at=NOW)
    # Nor is a stop taken for a yes, of which there is none now.
    assert LineGate.objects.get(line_id=line.pk).approvals == {}
    assert ask(line, campaign).reason == "stopped_campaign"


def test_nothing_that_a_denial_hangs_on_can_be_emptied(line: Line, campaign: Campaign, refused: Refusal) -> None:
    stop_all(line)
    IdentifierLink.objects.create(
        of="party", ref="https://a.example", kin_ref="https://b.example", link="same_as", recorded_at=NOW
    )
    Reach.objects.create(campaign=campaign, party=a_party("Bail Now", "end_customer"))
    Suspension.objects.create(of="campaign", target_id=campaign.pk, starts_at=NOW, reason="Due", actor="officer:1")
    another_s = an_approval(line, campaign)
    InvalidatedApproval.objects.create(line_id=line.pk, yes_id=another_s.id, campaign=campaign.ref, recorded_at=NOW)
    assert JurisdictionRule.objects.count() == 4
    for table, rows, all_at_once in (
        ("partners_kin", "partners_kin_append_only", "partners_kin_no_truncate"),
        ("partners_reach", "partners_reach_only_grows", "partners_reach_no_truncate"),
        ("partners_suspension", "partners_suspension_kept", "partners_suspension_no_truncate"),
        ("partners_jurisdictionrule", "partners_rule_kept", "partners_rule_no_truncate"),
        ("consent_choicereceipt", "consent_choicereceipt_append_only", "consent_choicereceipt_no_truncate"),
        ("consent_setaside", "consent_setaside_append_only", "consent_setaside_no_truncate"),
        ("revocations_duty", "revocations_duty_kept", "revocations_duty_no_truncate"),
        ("audit_chainhead", "audit_chainhead_kept", "audit_chainhead_no_truncate"),
    ):
        refused(f"DELETE FROM {table}", constraint=rows, using="owner")
        refused(f"TRUNCATE {table}", constraint=all_at_once, using="owner")
    for table in ("revocations_receipt", "revocations_attempt"):
        refused(f"TRUNCATE {table}", constraint=f"{table}_no_truncate", using="owner")


def test_no_yes_to_another_campaign_takes_the_place_of_one_that_was_another_s(line: Line) -> None:
    campaign, by_file, by_person, claimed = (a_campaign() for _ in range(4))
    another_s = an_approval(line, campaign)
    an_approval(line, by_file)
    allow(line_id=line.pk, campaign=by_person.ref, actor="subscriber:1", channel="web")
    an_approval(line, claimed, verified_by="partner")
    assert ask(line, campaign).allowed
    InvalidatedApproval.objects.create(line_id=line.pk, yes_id=another_s.id, campaign=campaign.ref, recorded_at=NOW)
    asked = [ask(line, one).reason for one in (campaign, by_file, by_person, claimed)]
    assert asked == ["no_approval", "", "", "approval_unverified"]


def test_no_row_of_a_file_is_dated_in_the_future(line: Line, campaign: Campaign) -> None:
    later = database_clock() + timedelta(hours=1)
    with pytest.raises(IntegrityError, match="a record is dated in the future"):
        a_ledger_row(line, "allow", scope="campaign", ref=campaign.ref, at=later, origin=Origin.FILE)
    with pytest.raises(IntegrityError, match="an approval is dated in the future"):
        an_approval(line, campaign, at=later)


@BOTH
@pytest.mark.parametrize("flag", ["lifeline", "family_tracking"])
def test_nothing_becomes_what_a_signal_spares(campaign: Campaign, refused: Refusal, role: str, flag: str) -> None:
    for value in ("true", "false"):
        flags: dict[str, Any] = {flag: value == "false"}
        agreed = a_campaign(**flags)
        an_approval(a_line(), agreed)
        refused(
            f"UPDATE partners_campaign SET {flag} = {value} WHERE id = {agreed.pk}",
            constraint="consent_campaign_frozen",
            using=role,
        )


def test_whom_a_stop_is_sent_to_is_not_forgotten(line: Line, campaign: Campaign, refused: Refusal) -> None:
    aggregator, later = campaign.contract.aggregator, NOW + timedelta(days=1)
    dealing = Dealing.objects.create(line_id=line.pk, aggregator=aggregator, party=campaign.lbs_provider, last_at=NOW)
    for change in ("last_at = last_at - interval '1 second'", "first_at = last_at + interval '1 second'"):
        refused(f"UPDATE partners_dealing SET {change}", constraint="partners_dealing_only_grows")
    refused("DELETE FROM partners_dealing")
    assert Dealing.objects.filter(line_id=line.pk).update(first_at=LONG_AGO, last_at=later) == 1
    refused("UPDATE partners_dealing SET first_at = NULL", constraint="partners_dealing_only_grows")
    assert Dealing.objects.get(pk=dealing.pk).last_at == later
