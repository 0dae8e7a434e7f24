"""Promise 3. A stop never lapses: only the subscriber's own act turns it into an allow."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from accounts import queries
from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import allow, refuse, stop
from consent.actions.records import FileApproval, FileChoice, record_file_approvals, record_file_choices
from consent.models import Choice, ConsentRequest
from partners.models import Campaign
from tests.consent.claiming import a_partner
from tests.factories import NOW, a_campaign, an_approval
from tests.fixtures import Refusal
from tests.promises.asking import ask

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


@pytest.fixture
def campaign(line: Line) -> Campaign:
    campaign = a_campaign()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    return campaign


def a_file_allow(campaign: Campaign) -> FileChoice:
    return FileChoice(
        id=uuid.uuid4(), source_id="c1", kind=Choice.Kind.ALLOW, scope="campaign", ref=campaign.ref,
        made_at=database_clock(), until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip


def a_file_approval(campaign: Campaign) -> FileApproval:
    return FileApproval(
        id=uuid.uuid4(), source_id="a1", campaign=campaign.ref, method="sms", captured_at=database_clock(),
        captured_by=campaign.lbs_provider.uri, wording="Reply YES.", language="en", evidence_ref="e", expires_at=None,
        verified_by="carrier", content_hash=b"",
    )  # fmt: skip


def test_no_file_outranks_the_person(line: Line, campaign: Campaign) -> None:
    record_file_choices(by_line={line.pk: [a_file_allow(campaign)]}, actor="import:choices")
    record_file_approvals(by_line={line.pk: [a_file_approval(campaign)]}, actor="import:approvals")
    assert ask(line, campaign).reason == "stopped_all"


def test_the_subscriber_s_own_allow_does_outlast_it(line: Line, campaign: Campaign) -> None:
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    assert ask(line, campaign).allowed


def test_nobody_else_can_allow(line: Line, campaign: Campaign) -> None:
    for actor in ("agent:4", "officer:2", "import:choices", "system:job", "line:1"):
        with pytest.raises(IntegrityError):
            allow(line_id=line.pk, campaign=campaign.ref, actor=actor, channel="web")
    assert ask(line, campaign).reason == "stopped_all"


def test_the_database_refuses_what_would_undo_it(line: Line, campaign: Campaign, refused: Refusal) -> None:
    refused("UPDATE consent_choice SET kind = 'allow'")
    refused("UPDATE consent_choice SET made_at = '2020-01-01'")
    refused("DELETE FROM consent_choice")
    refused("TRUNCATE consent_choice CASCADE")
    refused("ALTER TABLE consent_choice DISABLE TRIGGER ALL")
    refused("DROP TRIGGER consent_choice_moves_gate ON consent_choice")
    refused("UPDATE consent_linegate SET stops = '{}'")
    refused("DELETE FROM consent_linegate")
    refused("DELETE FROM partners_kin")
    refused("SET session_replication_role = replica")
    assert ask(line, campaign).reason == "stopped_all"


def test_not_even_the_owner_changes_a_choice_by_accident(line: Line, campaign: Campaign) -> None:
    with connections["owner"].cursor() as cursor:
        with pytest.raises(IntegrityError, match="append-only"):
            cursor.execute("UPDATE consent_choice SET kind = 'allow'")
        with pytest.raises(IntegrityError, match="append-only"):
            cursor.execute("DELETE FROM consent_choice")


def test_the_application_may_change_no_ledger(line: Line, campaign: Campaign) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE has_table_privilege(name, 'UPDATE')"
            " OR has_table_privilege(name, 'DELETE') OR has_table_privilege(name, 'TRUNCATE')"
            " OR has_any_column_privilege(name, 'UPDATE')",
            [["consent_choice", "consent_choiceorder", "consent_approval", "consent_choicereceipt", "audit_auditevent",
              "revocations_receipt", "revocations_attempt", "consent_linegate"]],
        )  # fmt: skip
        assert cursor.fetchall() == []


def test_an_agreed_campaign_can_t_become_another(line: Line, campaign: Campaign) -> None:
    campaign.precision_m = 10
    with pytest.raises(IntegrityError, match="is frozen"), transaction.atomic():
        campaign.save()


def test_a_choice_older_than_the_newest_is_refused(line: Line, campaign: Campaign) -> None:
    with pytest.raises(IntegrityError, match="newer than the line's newest"), transaction.atomic():
        Choice.objects.create(
            line_id=line.pk, id=uuid.uuid4(), kind="allow", scope="campaign", ref=campaign.ref,
            made_at=NOW - timedelta(days=1), origin="person", channel="web", actor="subscriber:1", recorded_at=NOW,
        )  # fmt: skip


def test_a_no_to_a_question_outlasts_every_claim(line: Line) -> None:
    partner = a_partner("NorthLink", provider="FraudShield")
    number = queries.msisdn_of(line_id=line.pk, at=database_clock())
    refuse(line_id=line.pk, campaign=partner.campaign.ref, actor="subscriber:1", channel="ask")
    for n in range(3):
        assert partner.one(partner.claim(id=f"c-{n}", msisdn=number))[1]["status"] == "accepted"
        assert ask(line, partner.campaign).reason == "stopped_campaign"
    assert ConsentRequest.objects.count() == 0
