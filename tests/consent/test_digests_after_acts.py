"""Reconciliation after an act that a partner can only know of once it is told."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import msgspec
import pytest

from accounts.queries import msisdn_of
from audit.models import Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.workers.cohorts import build_manifests, end_terms
from partners.actions.terms import RuleTerms, add_rule, set_consideration, shorten_term
from partners.models import JurisdictionRule, Reach
from revocations.models import State, StreamEvent
from support.workers import term_change_propagation
from tests.consent.books import Books
from tests.factories import LONG_AGO, a_line, a_party, an_approval
from tests.feeds import line_row, take_lines, told
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
NOTHING = {"partner_has": 0, "partner_lacks": 0, "same": 0, "unknown": 0}


def incidents() -> list[tuple[str, int]]:
    return sorted(Incident.objects.values_list("kind", "count"))


# --- what officers do, and the partner can't know before it is told


def a_rule_comes(books: Books, *, max_radius_m: int | None = None) -> None:
    terms = RuleTerms(
        state="WA", starts_at=database_clock() - timedelta(days=1), purposes=(books.campaign.purpose,),
        sale_test=False, source="test: a law", max_radius_m=max_radius_m,
    )  # fmt: skip
    add_rule(terms=terms, reason="Due", actor=an_actor(), at=database_clock())


def a_sale_where_sales_are_prohibited(books: Books) -> None:
    JurisdictionRule.objects.create(state="WA", starts_at=LONG_AGO, purposes=[], sale_test=True, source="test: a law")
    set_consideration(
        campaign_id=books.campaign.pk, consideration="monetary", reason="Due", actor=an_actor(), at=database_clock()
    )


def a_term_cut_short(of: str) -> Callable[[Books], None]:
    def cut(books: Books) -> None:
        row = books.contract if of == "contract" else books.campaign
        shorten_term(
            of="contract" if of == "contract" else "campaign", target_id=row.pk, ends_at=database_clock(), reason="Due",
            actor=an_actor(), at=database_clock() - timedelta(hours=1),
        )  # fmt: skip

    return cut


RULES: dict[str, Callable[[Books], None]] = {
    "rule": a_rule_comes,
    "radius": partial(a_rule_comes, max_radius_m=534),
    "sale": a_sale_where_sales_are_prohibited,
}
TERMS = {"contract": a_term_cut_short("contract"), "campaign": a_term_cut_short("campaign")}
ACTS = {**RULES, **TERMS}


@pytest.mark.parametrize("term", TERMS)
def test_end_of_a_term_is_told_then_must_be_gone(term: str) -> None:
    books = Books()
    line, never_told = books.a_line(), a_line()
    books.hold(line)
    an_approval(never_told, books.campaign)
    books.hold_unordered(never_told)
    TERMS[term](books)
    assert (term_change_propagation.settle(now=database_clock()), end_terms(now=database_clock())) == (1, 1)
    for _ in range(2):
        # Neither before there is an event for it nor until the partner has that.
        assert books.compare() == {**NOTHING, "same": 2}
        build_manifests(now=database_clock() + timedelta(minutes=2))
    StreamEvent.objects.update(state=State.ACKNOWLEDGED, acknowledged_at=database_clock(), next_attempt_at=None)
    assert books.compare() == {**NOTHING, "partner_has": 2}
    books.held.clear()
    for one in (line, never_told):
        books.acknowledge(one)
    assert books.send().differing == []


@pytest.mark.parametrize("act", RULES)
def test_what_an_act_denies_is_told_then_must_be_gone(act: str) -> None:
    books = Books()
    line = books.a_line()
    books.hold(line)
    ACTS[act](books)
    assert term_change_propagation.settle(now=database_clock()) == 1
    # The order is on its way, and the partner may hold what it had.
    assert books.told(line) == []
    assert books.compare() == NOTHING
    books.acknowledge(line)
    assert books.compare() == {**NOTHING, "partner_has": 1}
    books.held.clear()
    assert books.send().differing == []
    assert (term_change_propagation.settle(now=database_clock()), incidents()) == (0, [("partner_has", 1)])


@pytest.mark.parametrize("act", ACTS)
def test_until_it_was_told_it_is_held_against_nobody(act: str) -> None:
    books = Books()
    line = books.a_line()
    books.hold(line)
    never_told = a_line()
    an_approval(never_told, books.campaign)
    books.hold_unordered(never_told)
    # Something else is wrong in both buckets, so that they are looked into.
    books.held += [msgspec.structs.replace(one, purpose="dpv:Marketing") for one in books.held]
    ACTS[act](books)
    assert books.compare() == {**NOTHING, "same": 2, "partner_has": 2}
    assert (books.told(line), books.told(never_told)) == ([], [])
    for one in (line, never_told):
        books.acknowledge(one)
    assert books.compare()["partner_has"] == 4


def test_a_yes_that_ended_since_under_a_rule_on_exactness_is_held_against_nobody() -> None:
    books, line = Books(), a_line()
    as_of = database_clock()
    an_approval(line, books.campaign, expires_at=as_of + timedelta(microseconds=1))
    books.hold_unordered(line)
    a_rule_comes(books, max_radius_m=534)
    assert books.compare(as_of) == {**NOTHING, "same": 1}


def test_a_moved_line_is_told_by_its_new_rules() -> None:
    books = Books()
    line = books.a_line()
    books.hold(line)
    JurisdictionRule.objects.create(
        state="NV", starts_at=LONG_AGO, purposes=[books.campaign.purpose], sale_test=False, source="test: a law"
    )
    moved = line_row(
        line_id=line.carrier_id, msisdn=msisdn_of(line_id=line.pk, at=database_clock()), state="NV",
        account_id=line.account.carrier_id, activated_at=LONG_AGO.isoformat(),
    )  # fmt: skip
    assert told(take_lines(moved)) == [("accepted",)]
    assert books.told(line) == []
    books.acknowledge(line)
    assert books.compare() == {**NOTHING, "partner_has": 1}


def test_company_that_must_be_excepted_and_is_not_is_found() -> None:
    books = Books(names_recipient=True)
    bail = a_party("BailNow", "end_customer")
    Reach.objects.create(campaign=books.campaign, party=bail)
    line = books.a_line()
    choices.stop(line_id=line.pk, scope="party", ref=bail.uri, actor="subscriber:1", channel="web")
    books.acknowledge(line)
    (entry,) = books.told(line)
    assert entry.excepted == (bail.uri,)
    books.held = [entry]
    assert books.send().differing == []
    books.held = [msgspec.structs.replace(entry, excepted=())]
    assert books.compare() == {**NOTHING, "partner_has": 1}
