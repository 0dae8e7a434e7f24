"""A session's own tables change no rule of the database: functions look names up in our schema alone."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import LineNumber
from partners.models import AuthorizedAgent, Client, JurisdictionRule, Proposal, Suspension
from tests.factories import FAR_OFF, LONG_AGO, NOW, a_campaign, a_line
from tests.fixtures import Refusal
from tests.staff import an_actor

OURS = """
SELECT p.oid::regprocedure::text, p.prosqlbody IS NOT NULL,
    (SELECT one FROM unnest(p.proconfig) one WHERE one LIKE 'search_path=%')
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition
"""
MAY_CREATE = """
SELECT has_schema_privilege(%s, 'public', 'CREATE'), EXISTS (
    SELECT FROM pg_namespace n, aclexplode(n.nspacl) said
    WHERE n.nspname = 'public' AND said.grantee = 0 AND said.privilege_type = 'CREATE')
"""

ACTS_FOR_THE_OWNER = """
SELECT proname, has_function_privilege('public', oid, 'EXECUTE'), has_function_privilege(oid, 'EXECUTE'),
    prorettype = 'trigger'::regtype
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
"""


@pytest.mark.django_db
def test_every_function_looks_names_up_in_our_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(OURS)
        functions = cursor.fetchall()
    assert len(functions) > 50
    assert [name for name, is_bound, said in functions if not is_bound and said != "search_path=public, pg_temp"] == []


@pytest.mark.django_db
def test_nobody_but_the_owner_adds_to_our_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(MAY_CREATE, [connection.settings_dict["USER"]])
        assert cursor.fetchone() == (False, False)


@pytest.mark.django_db
def test_nobody_but_the_application_acts_with_the_owners_rights() -> None:
    """Whoever else may connect, as a role that watches or another program's, could close the gate, or move releases."""
    with connection.cursor() as cursor:
        cursor.execute(ACTS_FOR_THE_OWNER)
        functions = cursor.fetchall()
    assert len(functions) > 30
    assert [name for name, by_anybody, _, _ in functions if by_anybody] == []
    not_called = sorted(name for name, _, by_us, is_of_triggers in functions if not by_us and not is_of_triggers)
    assert not_called == ["consent_gate_open", "consent_gate_took_over"]
    assert [name for name, _, by_us, is_of_triggers in functions if by_us and is_of_triggers] == []


LINE_OF_THEIR_OWN = (
    "id bigint, activated_at timestamptz, deactivated_at timestamptz, state text, number_changed_at timestamptz"
)


@pytest.mark.parametrize(
    ("function", "columns", "values"),
    [
        ("consent_line_moves_gate", LINE_OF_THEIR_OWN, "{line}, '2001-01-01', NULL, 'ZZ', NULL"),
        ("accounts_staff_told", "id bigint, role text", "1, 'officer'"),
    ],
)
def test_no_table_of_a_sessions_own_moves_what_is_the_owners(
    refused: Refusal, db: None, function: str, columns: str, values: str
) -> None:
    """A trigger's function acts for whoever owns it: on a table of one's own it would be told anything."""
    refused(
        f"CREATE TEMPORARY TABLE mine ({columns});"
        f" CREATE TRIGGER told AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION public.{function}();"
        f" INSERT INTO mine VALUES ({values.format(line=a_line().pk)})"
    )


@pytest.mark.django_db
def test_no_statement_of_ours_reads_a_sessions_own_table() -> None:
    """A pooler gives one session to many: what one leaves there, the next would take for a table of ours."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE consent_linegate (line_id bigint)")
        cursor.execute("SELECT 'consent_linegate'::regclass = 'public.consent_linegate'::regclass")
        assert cursor.fetchone() == (True,)


@pytest.fixture
def tables_named_like_ours(committed_db: None) -> None:
    """A session of the owner's in which each name of ours is also a table of its own."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(TABLES)
        for (name,) in cursor.fetchall():
            cursor.execute(f'CREATE TEMPORARY TABLE "{name}" (LIKE public."{name}" INCLUDING DEFAULTS)')


def proposed(act: str, of: str, target_id: int, **payload: Any) -> uuid.UUID:
    """What one officer proposed, and nobody decided."""
    return Proposal.objects.create(
        id=uuid.uuid4(), act=act, of=of, target_id=target_id, payload=payload, reason="test", proposed_by=an_actor(),
        proposed_at=NOW,
    ).pk  # fmt: skip


# In the session's own table the second officer has agreed.
AGREED = """
INSERT INTO pg_temp.partners_proposal SELECT * FROM public.partners_proposal;
UPDATE pg_temp.partners_proposal SET decision = 'agreed', decided_by = 'officer:999', decided_at = proposed_at;
"""


def lifting() -> str:
    target = a_campaign()
    Suspension.objects.create(of="campaign", target_id=target.pk, starts_at=LONG_AGO, reason="test", actor="officer:1")
    pk = proposed("lift_suspension", "campaign", target.pk)
    return f"UPDATE public.partners_suspension SET ends_at = '{NOW}', lifted_by_id = '{pk}'"


def extending() -> str:
    campaign = a_campaign(ends_at=NOW + timedelta(days=1))
    proposed("extend_term", "campaign", campaign.pk, was=campaign.ends_at.isoformat(), ends_at=FAR_OFF.isoformat())
    return f"UPDATE public.partners_campaign SET ends_at = '{FAR_OFF}'"


def relaxing() -> str:
    rule = JurisdictionRule.objects.get(state="MD")
    pk = proposed("relax_rule", "rule", rule.pk, ends_at=NOW.isoformat())
    return f"UPDATE public.partners_jurisdictionrule SET ends_at = '{NOW}', relaxed_by_id = '{pk}' WHERE id = {rule.pk}"


def paying_less() -> str:
    proposed("paid_for_less", "campaign", a_campaign(consideration="monetary").pk, consideration="none")
    return "UPDATE public.partners_campaign SET consideration = 'none'"


def letting_a_machine_in() -> str:
    key = {"kty": "EC"}
    machine = Client.objects.create(client_id="gateway-1", kind="gateway", public_jwk=key, disabled_at=LONG_AGO)
    machine.refresh_from_db()
    proposed("enable_machine", "machine", machine.number, public_jwk=key, certificate="")
    return f"UPDATE public.partners_client SET disabled_at = NULL, changed_at = '{FAR_OFF}'"


def letting_an_agent_ask() -> str:
    agent = AuthorizedAgent.objects.create(
        id="A-1", name="Helper", verify_key=b"1" * 32, hosts=[], registered_at=LONG_AGO, ended_at=LONG_AGO
    )
    agent.refresh_from_db()
    key = "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="
    proposed("let_agent_ask", "authorized", agent.number, name="Helper", key=key, hosts=[])
    return f"UPDATE public.partners_authorizedagent SET ended_at = NULL, changed_at = '{FAR_OFF}'"


def taking_a_number() -> str:
    first, second = a_line(msisdn="+12065550142"), a_line()
    mark = bytes(LineNumber.objects.get(line=first).msisdn_hash).hex()
    return (
        "INSERT INTO public.accounts_linenumber (line_id, msisdn_hash, msisdn_sealed, starts_at)"
        rf" VALUES ({second.pk}, '\x{mark}', '\x00', '{NOW}')"
    )


@pytest.mark.parametrize(
    ("attack", "constraint"),
    [
        (lifting, "partners_suspension_lift"),
        (extending, "partners_term_only_shrinks"),
        (relaxing, "partners_rule_relaxed"),
        (paying_less, "partners_paid_for_less"),
        (letting_a_machine_in, "partners_client_two_officers"),
        (letting_an_agent_ask, "partners_agent_two_officers"),
        (taking_a_number, "accounts_number_overlap"),
    ],
)
def test_tables_named_like_ours_change_no_rule(
    tables_named_like_ours: None, attack: Callable[[], str], constraint: str, refused: Refusal
) -> None:
    refused(AGREED + attack(), constraint=constraint, using="owner")
