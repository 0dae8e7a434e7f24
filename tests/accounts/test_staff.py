"""What each role of staff may do, cell by cell, and who counts as staff at all."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import STAFF_MAY, StaffAction, staff_may
from accounts.queries import StaffOnly, acting_staff
from audit.actions import record
from audit.models import Incident
from tests import databases
from tests.fixtures import Refusal
from tests.staff import a_staff_user, an_actor

# See, change terms; suspend, propose, agree; see one person's order; see incidents, the look-ups behind them,
# close them; see audit, tickets; work them; lead the desk; see, change delays; change canned replies; work separations;
# reveal a person; import files; protect lines; make, read documents; view as another role.
TABLE = {
    User.Role.SUBSCRIBER: "-----------------------",
    User.Role.AGENT: "----------yy-----y-----",
    User.Role.OFFICER: "yyyyyyyyyyyyy--yyyyyyyy",
    User.Role.AUDITOR: "y----yyy-yy----------y-",
    User.Role.LEGAL: "-------------yy--------",
}


def test_the_table_names_every_role() -> None:
    assert set(TABLE) == set(STAFF_MAY) == set(User.Role)
    assert all(len(row) == len(StaffAction) for row in TABLE.values())


def test_each_cell() -> None:
    for role, action in product(User.Role, StaffAction):
        assert staff_may(role, action) is (TABLE[role][list(StaffAction).index(action)] == "y"), (role, action)
    assert not any(staff_may("root", action) for action in StaffAction)


def test_each_officer_has_one_name(db: None) -> None:
    actor = an_actor()
    assert acting_staff(actor=actor, action=StaffAction.AGREE) == actor
    assert acting_staff(actor=actor.replace(":", ":00"), action=StaffAction.AGREE) == actor


def test_nobody_else_is_an_officer(db: None) -> None:
    for role in ("agent", "auditor", "legal", "subscriber"):
        pk = a_staff_user(role).pk
        for actor in (f"{role}:{pk}", f"officer:{pk}", "officer:", "officer:0", "system:beat", "officer:-1", ""):
            with pytest.raises(StaffOnly):
                acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    left = a_staff_user(is_active=False)
    with pytest.raises(StaffOnly):
        acting_staff(actor=f"officer:{left.pk}", action=StaffAction.CHANGE_TERMS)


@pytest.fixture
def told(committed_db: None) -> Iterator[None]:
    """Officers are told who joins them, as everywhere but in tests."""
    databases.tell_of_staff(now=True)
    yield
    databases.tell_of_staff(now=False)


def an_officer_works() -> None:
    record(action="company.suspended", actor=an_actor(), target="party:1", at=timezone.now())


def told_of() -> list[str]:
    return list(Incident.objects.filter(kind="staff_by_operator").order_by("id").values_list("subject", flat=True))


@pytest.mark.parametrize("role", ["officer", "auditor", "legal"])
def test_officers_are_told_who_joins_them_by_a_command(told: None, role: str) -> None:
    call_command("make_staff", email="first@carrier.example", role=role)
    call_command("make_staff", email="agent@carrier.example", role="agent")
    assert told_of() == []
    an_officer_works()
    call_command("make_staff", email="agent2@carrier.example", role="agent")
    call_command("make_staff", email="second@carrier.example", role=role)
    assert told_of() == [f"{role}:{User.objects.get(email='second@carrier.example').pk}"]


@pytest.mark.parametrize(
    ("is_now", "becomes"),
    [
        ({"role": "subscriber"}, {"role": "officer"}),
        ({"role": "agent"}, {"role": "legal"}),
        ({"role": "officer", "is_active": False}, {"is_active": True}),
        ({"role": "officer"}, {"email": "mine@elsewhere.example"}),
    ],
)
def test_officers_are_told_who_is_made_one_of_them(
    told: None, is_now: Mapping[str, str], becomes: Mapping[str, object]
) -> None:
    user = a_staff_user(**is_now)
    an_officer_works()
    User.objects.filter(pk=user.pk).update(first_name="Noor")
    assert told_of() == []
    User.objects.filter(pk=user.pk).update(**becomes)
    assert told_of() == [f"{becomes.get('role', 'officer')}:{user.pk}"]


@pytest.mark.parametrize(("role", "times"), [("officer", 2), ("auditor", 2), ("agent", 0)])
def test_officers_are_told_of_each_new_link_into_an_office(told: None, role: str, times: int) -> None:
    """Whoever never set up a second factor is whoever opens the link."""
    user = a_staff_user(role)
    for _ in range(2):
        call_command("make_staff", email=user.email, again=True)
    assert told_of() == [f"{role}:{user.pk}"] * times


def test_officers_are_told_of_each_change_of_one_moment(told: None) -> None:
    user = a_staff_user("auditor")
    an_officer_works()
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("CREATE OR REPLACE FUNCTION audit_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'")
        for column, value in (("email", "mine@elsewhere.example"), ("role", "legal")):
            cursor.execute(f"UPDATE accounts_user SET {column} = %s WHERE id = %s", [value, user.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT subject FROM audit_incident WHERE kind = 'staff_by_operator' ORDER BY id")
        assert cursor.fetchall() == [(f"auditor:{user.pk}",), (f"legal:{user.pk}",)]
        transaction.set_rollback(True, using="owner")


def test_nobody_is_given_rights_of_djangos_own(db: None, refused: Refusal) -> None:
    for table in ("auth_group", "auth_group_permissions", "auth_permission", "accounts_user_groups",
                  "accounts_user_user_permissions"):  # fmt: skip
        refused(f"INSERT INTO {table} SELECT * FROM {table}")
        refused(f"DELETE FROM {table}")
