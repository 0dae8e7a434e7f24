"""Promise 3, in the database: what ended stays ended, a number is one line's at a time, and incidents stay."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from accounts.models import Line, LineNumber
from accounts.primitives.sealing import number_hash, seal
from audit.actions import open_incident
from audit.models import Incident
from audit.queries import database_clock
from consent.gate import deciding
from consent.gate.shapes import Question
from partners.models import Campaign
from tests.factories import LONG_AGO, a_line
from tests.fixtures import Refusal
from tests.promises.asking import ask

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
BOTH = pytest.mark.parametrize("role", ["default", "owner"])
NUMBER = "+12065550779"


@pytest.fixture
def line() -> Line:
    return a_line(msisdn=NUMBER)


@BOTH
def test_a_change_of_number_is_not_taken_back(line: Line, campaign: Campaign, refused: Refusal, role: str) -> None:
    changed = database_clock() - timedelta(hours=1)
    known = ("number_changed", "sim_changed", "forwarding_changed", "change_known", "holder_known", "history_known")
    # To say the same again takes nothing back.
    for _ in range(2):
        assert Line.objects.filter(pk=line.pk).update(**{f"{one}_at": changed for one in known}) == 1
    assert ask(line, campaign).reason == "approval_expired"
    for to in ("NULL", "number_changed_at - interval '1 second'"):
        refused(
            f"UPDATE accounts_line SET number_changed_at = {to}", constraint="accounts_number_change_stays", using=role
        )
    assert ask(line, campaign).reason == "approval_expired"


@BOTH
def test_an_ended_tenure_stays_ended(line: Line, campaign: Campaign, refused: Refusal, role: str) -> None:
    Line.objects.filter(pk=line.pk).update(deactivated_at=database_clock() - timedelta(hours=1))
    LineNumber.objects.filter(line=line).update(ends_at=database_clock() - timedelta(hours=1))
    refused("UPDATE accounts_line SET deactivated_at = NULL", constraint="accounts_line_stays_ended", using=role)
    refused("UPDATE accounts_linenumber SET ends_at = NULL", constraint="accounts_number_stays_ended", using=role)
    assert ask(line, campaign).reason == "line_unknown"


@BOTH
def test_an_end_that_has_come_is_not_put_off(line: Line, campaign: Campaign, refused: Refusal, role: str) -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    now = database_clock()
    # An end still to come is put off, and one that has come is corrected to another in the past.
    for moment in (now + day, now + 2 * day, now - 2 * hour, now - hour):
        assert Line.objects.filter(pk=line.pk).update(deactivated_at=moment) == 1
        assert LineNumber.objects.filter(line=line).update(ends_at=moment) == 1
    for table, column, rule in (
        ("accounts_line", "deactivated_at", "accounts_line_not_revived"),
        ("accounts_linenumber", "ends_at", "accounts_number_not_revived"),
    ):
        refused(f"UPDATE {table} SET {column} = now() + interval '1 minute'", constraint=rule, using=role)
    assert ask(line, campaign).reason == "line_unknown"


@pytest.mark.parametrize("table", ["accounts_linenumber", "accounts_linestate", "accounts_line"])
def test_the_application_deletes_no_tenure(line: Line, refused: Refusal, table: str) -> None:
    refused(f"DELETE FROM {table}")
    assert (Line.objects.filter(pk=line.pk).count(), LineNumber.objects.filter(line=line).count()) == (1, 1)


def give_the_number_to(line: Line, *, from_days: int, until_days: int | None) -> LineNumber:
    until = None if until_days is None else LONG_AGO + timedelta(days=until_days)
    return LineNumber.objects.create(
        line=line, msisdn_hash=number_hash(NUMBER), msisdn_sealed=seal(NUMBER),
        starts_at=LONG_AGO + timedelta(days=from_days), ends_at=until,
    )  # fmt: skip


def test_a_number_is_never_two_lines_at_once(line: Line) -> None:
    other = a_line(msisdn="+12065550780")
    with pytest.raises(IntegrityError, match="two lines' at one moment"):
        give_the_number_to(other, from_days=3, until_days=None)
    with pytest.raises(IntegrityError, match="two lines' at one moment"):
        give_the_number_to(other, from_days=-3, until_days=1)
    give_the_number_to(other, from_days=-3, until_days=0)
    # A period without length is nobody's.
    give_the_number_to(other, from_days=3, until_days=3)
    with transaction.atomic():
        LineNumber.objects.filter(line=line).update(ends_at=LONG_AGO + timedelta(days=5))
        give_the_number_to(other, from_days=5, until_days=None)
    assert LineNumber.objects.filter(msisdn_hash=number_hash(NUMBER)).count() == 4


def test_the_gate_has_no_answer_for_two_lines(line: Line, campaign: Campaign) -> None:
    """And its doors, which say no to a database that has none, release nothing."""
    other = a_line(msisdn="+12065550780")
    with connections["owner"].cursor() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE accounts_linenumber SET msisdn_hash = %s, starts_at = starts_at + interval '1 day'"
            " WHERE line_id = %s", [number_hash(NUMBER), other.pk],
        )  # fmt: skip
        owner.execute("SET session_replication_role = origin")
    question = Question(
        aggregator=campaign.contract.aggregator.uri, provider=campaign.lbs_provider.uri, campaign=campaign.ref,
        purpose=campaign.purpose, scope=campaign.scope, precision_m=campaign.precision_m, msisdn=NUMBER,
    )  # fmt: skip
    for questions in ([question], [question] * 2):
        with pytest.raises(DatabaseError, match=r"answers to|more than one row"):
            deciding.evaluate(questions=questions)


@BOTH
def test_an_incident_stays_as_what_it_was_opened(refused: Refusal, role: str) -> None:
    """An operator's act is let through by nothing but the incident that tells the officers of it."""
    open_incident(kind="machine_by_operator", key="machine:1:1", subject="machine:1", at=LONG_AGO)
    for column in ("kind", "key", "subject", "reported_by", "happened", "affected"):
        refused(f"UPDATE audit_incident SET {column} = 'other'", constraint="audit_incident_stays_itself", using=role)
    refused("DELETE FROM audit_incident", constraint="audit_incident_kept" if role == "owner" else "", using=role)
    assert Incident.objects.filter(kind="machine_by_operator").update(closed_at=LONG_AGO + timedelta(days=1)) == 1
