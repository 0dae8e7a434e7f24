"""The table of promise 7, cell by cell: who is what to a line, and what that lets them do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import queries
from accounts.actions.people import end_tenures
from accounts.models import Line
from accounts.policies.permissions import MAY, Action, How, Relation, get_required_proof, may
from tests.factories import a_line
from tests.people import sign_in_by_code, user_of

# Know, see, download, see the log | stop, pause, dispute | allow, signal, choose a way in | invite | delegate, give
# back, safe contact, separate | ask, read cases | see under glass, stop for, work separations. By: code, unheld, proof,
# signed, glass.
TABLE = {
    Relation.ADULT_USER: "pppp ccc ppu - p-pc cp ---", Relation.MINOR_USER: "pppp ccc -pu - ---c cp ---",
    Relation.SAME_HOLDER: "pppp ccc pp- - ---- cp ---", Relation.HOLDER_OF_MINOR: "pppp ccc pp- - ---- cp ---",
    Relation.NEW_HOLDER: "p--- cc- --- - ---- -- ---", Relation.HOLDER_OF_ADULT: "p--- --- --- p ---- -- ---",
    Relation.DELEGATE_SEES: "pp-- --- --- - -p-- -- ---", Relation.DELEGATE_STOPS: "p--- pp- --- - -p-- -- ---",
    Relation.DELEGATE_BOTH: "pp-- pp- --- - -p-- -- ---", Relation.AUTHORIZED_AGENT: "---- s-- --- - ---- -- ---",
    Relation.EX_USER: "pppp p-p --- - ---- pp ---", Relation.EX_HOLDER: "---- --- --- - ---- -- ---",
    Relation.STRANGER: "---- --- --- - ---- -- ---", Relation.AGENT: "---- --- --- - ---- -- gg-",
    Relation.OFFICER: "---- --- --- - ---- -- ggg", Relation.AUDITOR: "---- --- --- - ---- -- g--",
}  # fmt: skip
HOW = {"-": How.NO, "c": How.CODE, "u": How.UNHELD, "p": How.PROOF, "s": How.SIGNED, "g": How.GLASS}


def cells(relation: Relation) -> dict[Action, How]:
    return dict(zip(Action, [HOW[one] for one in TABLE[relation].replace(" ", "")], strict=True))


def test_the_table_names_every_relation() -> None:
    assert set(TABLE) == set(MAY) == set(Relation)


def test_each_cell() -> None:
    for relation in Relation:
        assert {action: get_required_proof(relation, action) for action in Action} == cells(relation)
        assert {action for action in Action if may(relation, action)} == set(MAY[relation])
    # Staff never loosen.
    assert not any(may(staff, Action.ALLOW) for staff in (Relation.AGENT, Relation.OFFICER, Relation.AUDITOR))


def relations(line: Line) -> dict[str, str]:
    """What the user of a line is to every line they may know of, by the carrier's id."""
    known = queries.list_lines_of_person(user=user_of(line), at=timezone.now())
    return {one.line.carrier_id: one.relation for one in known}


@pytest.mark.usefixtures("db")
class TestWhoIsWhat:
    def test_a_holder_and_the_lines_of_the_account(self) -> None:
        own, minor, second, partner, adult, business = (
            a_line(account="A-1", role=role, holder_name=name)
            for role, name in (
                ("holder", "Ada Marsh"),
                ("minor", "Ada Marsh"),
                ("holder", "Ada Marsh"),
                ("holder", "Ben Marsh"),
                ("user", "Ada Marsh"),
                ("user", "Marsh Ltd"),
            )
        )
        foreign = a_line(account="A-2", role="minor")
        sign_in_by_code(own)
        assert relations(own) == {
            own.carrier_id: "adult_user", minor.carrier_id: "holder_of_minor", second.carrier_id: "same_holder",
            partner.carrier_id: "holder_of_adult", adult.carrier_id: "holder_of_adult",
            business.carrier_id: "holder_of_adult",
        }  # fmt: skip
        assert foreign.carrier_id not in relations(own)

    @pytest.mark.parametrize("name", ["Ada Marsh", "Marsh Ltd"])
    def test_two_lines_of_holders_with_other_names_stay_apart_in_both_directions(self, name: str) -> None:
        first = a_line(account="A-1", role="holder", holder_name=name)
        second = a_line(account="A-1", role="holder", holder_name=f"{name} II")
        namesake = a_line(account="A-2", role="holder", holder_name=name)
        for own, other in ((first, second), (second, first)):
            sign_in_by_code(own)
            assert relations(own) == {own.carrier_id: "adult_user", other.carrier_id: "holder_of_adult"}
        assert namesake.carrier_id not in relations(first)

    @pytest.mark.parametrize(("role", "relation"), [("user", "adult_user"), ("minor", "minor_user")])
    def test_whoever_does_not_hold_account_knows_their_own_line_only(self, role: str, relation: str) -> None:
        line = a_line(account="A-1", role=role)
        a_line(account="A-1", role="holder")
        a_line(account="A-1", role="minor")
        sign_in_by_code(line)
        assert relations(line) == {line.carrier_id: relation}

    def test_a_role_nobody_knows_is_an_adults(self) -> None:
        holder, odd = a_line(account="A-1"), a_line(account="A-1", role="who knows")
        sign_in_by_code(holder)
        assert relations(holder)[odd.carrier_id] == "holder_of_adult"

    def test_role_change_to_adult_cuts_the_holder_off_at_once(self) -> None:
        holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
        sign_in_by_code(holder)
        assert relations(holder)[child.carrier_id] == "holder_of_minor"
        Line.objects.filter(pk=child.pk).update(user_role="user")
        assert relations(holder)[child.carrier_id] == "holder_of_adult"

    def test_an_ended_line_is_known_to_its_user_alone(self) -> None:
        holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
        sign_in_by_code(holder)
        Line.objects.filter(pk=child.pk).update(deactivated_at=timezone.now() - timedelta(seconds=1))
        assert relations(holder) == {holder.carrier_id: "adult_user"}
        Line.objects.filter(pk=holder.pk).update(deactivated_at=timezone.now() - timedelta(seconds=1))
        assert relations(holder) == {}

    def test_after_a_tenure_its_user_knows_that_line_alone(self) -> None:
        now = timezone.now()
        holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
        sign_in_by_code(holder)
        user = user_of(holder)
        Line.objects.filter(pk=holder.pk).update(deactivated_at=now)
        end_tenures(line_ids=[holder.pk], at=now)
        known = queries.list_lines_of_person(user=user, at=now)
        assert [(one.line, one.relation) for one in known] == [(holder, "ex_user")]
        assert child not in [one.line for one in known]

    def test_one_query_whatever_the_number_of_lines(self, django_assert_num_queries: object) -> None:
        holder = a_line(account="A-1")
        sign_in_by_code(holder)
        for _ in range(5):
            a_line(account="A-1", role="minor")
        user = user_of(holder)
        assert callable(django_assert_num_queries)
        with django_assert_num_queries(1):
            queries.list_lines_of_person(user=user, at=timezone.now())
