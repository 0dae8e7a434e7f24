"""What each role of staff may do, cell by cell, and who counts as staff at all."""

from itertools import product

import pytest

from accounts.models import User
from accounts.policies.permissions import STAFF_MAY, StaffAction, roles_that_may, staff_may
from accounts.queries import NotForThem, acting_staff
from tests.staff import a_staff_user, an_actor

# See, change terms; suspend, propose, agree, publish; see one person's order; see incidents, the look-ups behind them,
# close them; see audit, tickets; work them; lead the desk; see, change delays; change canned replies; work separations;
# reveal a person; protect lines.
TABLE = {
    User.Role.SUBSCRIBER: "--------------------",
    User.Role.AGENT: "-----------yy-----y-",
    User.Role.OFFICER: "yyyyyyyyyyyyyy--yyyy",
    User.Role.AUDITOR: "y-----yyy-yy--------",
    User.Role.LEGAL: "--------------yy----",
}


def test_the_table_names_every_role() -> None:
    assert set(TABLE) == set(STAFF_MAY) == set(User.Role)
    assert all(len(row) == len(StaffAction) for row in TABLE.values())


@pytest.mark.parametrize(("role", "action"), list(product(User.Role, StaffAction)))
def test_each_cell(role: User.Role, action: StaffAction) -> None:
    assert staff_may(role, action) is (TABLE[role][list(StaffAction).index(action)] == "y")


def test_a_role_nobody_knows_may_nothing() -> None:
    assert not any(staff_may("root", action) for action in StaffAction)


def test_only_legal_process_sees_delayed_notices_and_only_officers_change_terms() -> None:
    assert roles_that_may(StaffAction.SEE_DELAYED) == (User.Role.LEGAL,)
    assert roles_that_may(StaffAction.CHANGE_TERMS) == (User.Role.OFFICER,)


def test_each_officer_has_one_name(db: None) -> None:
    actor = an_actor()
    assert acting_staff(actor=actor, action=StaffAction.AGREE) == actor
    assert acting_staff(actor=actor.replace(":", ":00"), action=StaffAction.AGREE) == actor


@pytest.mark.parametrize("role", ["agent", "auditor", "legal", "subscriber"])
def test_nobody_else_is_an_officer(db: None, role: str) -> None:
    user = a_staff_user(role)
    for actor in (f"{role}:{user.pk}", f"officer:{user.pk}", "officer:", "officer:0", "system:beat", "officer:-1", ""):
        with pytest.raises(NotForThem):
            acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)


def test_an_officer_who_left_is_none(db: None) -> None:
    user = a_staff_user(is_active=False)
    with pytest.raises(NotForThem):
        acting_staff(actor=f"officer:{user.pk}", action=StaffAction.CHANGE_TERMS)
