"""What each role of staff may do, cell by cell, and who counts as staff at all."""

from itertools import product

import pytest

from accounts.models import User
from accounts.policies.permissions import STAFF_MAY, StaffAction, staff_may
from accounts.queries import StaffOnly, acting_staff
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
