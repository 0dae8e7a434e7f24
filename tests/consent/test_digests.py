"""Reconciliation: what a partner holds and we deny is found in every case, and nothing else is raised."""

import gzip
import json
import re
import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.queries import msisdn_of
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.digests import MOST_RUNS_A_DAY, NoSuchRun, NotDiffering, TooMany, compare_buckets
from consent.actions.lines import end_tenures, terminate
from consent.domain.digest_books import Entry, bucket_of, name_of, our_digest
from consent.models import DigestRun
from consent.queries import termination
from consent.workers.cohorts import build_manifests, end_terms
from partners.actions.terms import RuleTerms, add_rule, set_consideration, shorten_term
from partners.models import Campaign, Contract, JurisdictionRule, Reach, Suspension
from revocations.models import Cohort, Order, State, StreamEvent
from support.workers import term_change_propagation
from tests.consent.books import GUIDE, LATER, Books, a_name_of_nobody, guide
from tests.factories import LONG_AGO, a_line, a_party, an_approval
from tests.feeds import line_row, take_lines, told
from tests.orders import bring_all_to, sign_end
from tests.properties import stories, undone
from tests.revocations.receiver import a_token_of
from tests.selection import NIGHTLY, drawn
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
NOTHING = {"partner_has": 0, "partner_lacks": 0, "same": 0, "unknown": 0}


def incidents() -> list[tuple[str, int]]:
    return sorted(Incident.objects.values_list("kind", "count"))


def stop_all(line_id: int) -> None:
    choices.stop(line_id=line_id, scope="all", actor="subscriber:1", channel="web")


def test_equal_books_are_equal_to_the_byte() -> None:
    books = Books()
    for _ in range(3):
        books.hold(books.a_line())
    run = books.send()
    assert (run.differing, run.findings) == ([], NOTHING)
    assert run.finished_at is not None
    assert our_digest(party_id=books.party.pk, as_of=database_clock() + LATER) == b64decode(
        guide()["buckets"]([msgspec.to_builtins(entry) for entry in books.held])
    )


def test_the_guide_s_example_is_right() -> None:
    example = {
        "sub": "k1.9fJ0sQ2vYwB1n7ZkQxT4aLrM", "agreement": "https://privacy.carrier.example/agreements/AGR-2026-0042",
        "epoch": 1, "version": 7, "recipient": "https://lbs-a.example", "purpose": "dpv:DirectMarketing",
        "scope": "location-retrieval:read",
    }  # fmt: skip
    digest = sha256("\n".join(map(str, example.values())).encode()).hexdigest()[:16]
    said = re.search(r"has the digest `([0-9a-f]+)` \(hexadecimal\) and falls into bucket `([0-9a-f]{4})`", GUIDE)
    assert said is not None
    assert said.groups() == (digest, name_of(bucket_of(str(example["sub"]))))


# What may be wrong, or only look so, with one line. Each adds to the books and tells what is to be found:
# a finding's name, or "" for nothing.
def clean(books: Books) -> str:
    books.hold(books.a_line())
    return ""


def kept_after_a_stop(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    stop_all(line.pk)
    books.acknowledge(line)
    return "partner_has"


def kept_after_a_stop_it_had_signed(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    stop_all(line.pk)
    books.acknowledge(line, state=State.COMPLETED)
    return "partner_has"


def kept_while_the_stop_is_on_its_way(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    stop_all(line.pk)
    return "same"


def kept_and_acknowledged_while_it_counted(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    stop_all(line.pk)
    books.acknowledge(line, at=database_clock() + 2 * LATER)
    return "same"


def dropped_before_it_could_acknowledge(books: Books) -> str:
    line = books.a_line()
    stop_all(line.pk)
    return ""


def denied_before_and_while_more_is_on_its_way(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    stop_all(line.pk)
    books.acknowledge(line)
    choices.allow(line_id=line.pk, campaign=books.other.ref, actor="subscriber:1", channel="web")
    return "partner_has"


def told_no_and_allowed_again_since(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign)
    books.tell_nothing_directly(line)
    books.hold_unordered(line)
    return "partner_lacks"


def lost(books: Books) -> str:
    books.a_line()
    return "partner_lacks"


def held_by_an_older_order(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    choices.allow(line_id=line.pk, campaign=books.other.ref, actor="subscriber:1", channel="web")
    choices.stop(line_id=line.pk, scope="campaign", ref=books.other.ref, actor="subscriber:1", channel="web")
    books.acknowledge(line)
    return "partner_lacks"


def never_ordered_and_allowed(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign)
    books.hold_unordered(line)
    return "same"


def never_ordered_and_only_claimed(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign, verified_by="partner")
    books.hold_unordered(line)
    return "partner_has"


def agreed_to_while_a_first_order_is_on_its_way(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign, expires_at=database_clock() + timedelta(days=30))
    stop_all(line.pk)
    books.hold_unordered(line)
    return "same"


def never_agreed_to_while_a_first_order_is_on_its_way(books: Books) -> str:
    line = a_line()
    an_approval(line, books.other)
    stop_all(line.pk)
    books.hold_unordered(line)
    return "partner_has"


def only_claimed_while_a_first_order_is_on_its_way(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign, verified_by="partner")
    stop_all(line.pk)
    books.hold_unordered(line)
    return "partner_has"


def ended_by_itself_while_a_first_order_is_on_its_way(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign, expires_at=database_clock() - timedelta(minutes=5))
    stop_all(line.pk)
    books.hold_unordered(line)
    return "partner_has"


def sent_and_taken_back_before_a_first_acknowledgement(books: Books) -> str:
    line = a_line()
    choices.allow(line_id=line.pk, campaign=books.campaign.ref, actor="subscriber:1", channel="web")
    books.sub(line)
    books.hold(line)
    stop_all(line.pk)
    return "same"


def nobody_s_name(books: Books) -> str:
    line = a_line()
    books.hold_unordered(line)
    books.held[-1] = msgspec.structs.replace(books.held[-1], sub=a_name_of_nobody())
    return "unknown"


def ended_and_kept(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign, expires_at=database_clock() - timedelta(minutes=5))
    books.tell_directly(line, expires_at="2026-11-20T00:00:00Z")
    books.hold(line)
    return "partner_has"


def ended_and_dropped(books: Books) -> str:
    line = a_line()
    an_approval(line, books.campaign, expires_at=database_clock() - timedelta(minutes=5))
    books.tell_directly(line, expires_at="2026-11-20T00:00:00Z")
    return ""


def kept_after_the_line_ended(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    line.deactivated_at = database_clock()
    line.save()
    end_tenures(line_ids=[line.pk], at=database_clock(), actor="import:lines")
    books.acknowledge(line)
    return "partner_has"


def under_an_agreement_of_nobody(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    books.held.append(msgspec.structs.replace(books.held[-1], agreement="https://elsewhere.example/agreements/1"))
    return "partner_has"


def for_another_purpose(books: Books) -> str:
    line = books.a_line()
    books.hold(line)
    books.held.append(msgspec.structs.replace(books.held[-1], purpose="dpv:Marketing"))
    return "partner_has"


SEEDS: dict[str, Callable[[Books], str]] = {
    seed.__name__: seed
    for seed in (
        clean, kept_after_a_stop, kept_after_a_stop_it_had_signed, kept_while_the_stop_is_on_its_way,
        kept_and_acknowledged_while_it_counted, dropped_before_it_could_acknowledge,
        denied_before_and_while_more_is_on_its_way, told_no_and_allowed_again_since, lost,
        held_by_an_older_order, never_ordered_and_allowed,
        never_ordered_and_only_claimed, agreed_to_while_a_first_order_is_on_its_way,
        never_agreed_to_while_a_first_order_is_on_its_way, only_claimed_while_a_first_order_is_on_its_way,
        ended_by_itself_while_a_first_order_is_on_its_way, sent_and_taken_back_before_a_first_acknowledgement,
        nobody_s_name, ended_and_kept, ended_and_dropped, kept_after_the_line_ended,
        under_an_agreement_of_nobody, for_another_purpose,
    )
}  # fmt: skip


def test_one_difference_is_found_for_what_it_is() -> None:
    for name in drawn(SEEDS, of=3):
        with undone():
            books = Books()
            finding = SEEDS[name](books)
            found = {key: count for key, count in books.compare().items() if count and key != "same"}
            assert found == ({finding: 1} if finding not in {"", "same"} else {}), name
            kinds = [kind for kind, _ in incidents() if kind == "partner_has"]
            assert kinds == ["partner_has"] * (finding == "partner_has"), name
    # All of them at once.
    books = Books()
    seeded = [seed(books) for seed in SEEDS.values()]
    found = books.compare()
    for finding in ("partner_has", "partner_lacks", "unknown"):
        assert (finding, found[finding]) == (finding, seeded.count(finding))


@stories(25)
@given(names=st.lists(st.sampled_from(sorted(SEEDS)), min_size=1, max_size=9))
def test_every_difference_is_found_and_nothing_else_raised(names: list[str]) -> None:
    with undone():
        books = Books()
        seeded = [SEEDS[name](books) for name in names]
        found = books.compare()
        for finding in ("partner_has", "partner_lacks", "unknown"):
            assert (finding, found[finding]) == (finding, seeded.count(finding))
        has, signed = seeded.count("partner_has"), names.count("kept_after_a_stop_it_had_signed")
        assert incidents() == sorted([("contradicted", 1)] * signed + [("partner_has", has)] * bool(has))
        assert Order.objects.filter(state=State.CONTRADICTED).count() == signed
        # The next night: what was told again is on its way, and nothing is held against the partner twice.
        assert books.compare()["partner_lacks"] == 0


def test_what_was_told_until_a_moment_is_held_until_then() -> None:
    books, line = Books(), a_line()
    an_approval(line, books.campaign)
    end = (database_clock() + timedelta(minutes=1)).replace(microsecond=0)
    books.tell_directly(line, expires_at=end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    for as_of, found in ((end - timedelta(microseconds=1), 1), (end, 0)):
        with undone():
            assert books.compare(as_of)["partner_lacks"] == found
    books.hold(line)
    # Its stop is on its way: what it was told before is what it may hold.
    stop_all(line.pk)
    for as_of, found in ((end - timedelta(microseconds=1), 0), (end, 1)):
        with undone():
            assert books.compare(as_of)["partner_has"] == found


def test_what_is_lacking_is_told_again_as_it_was() -> None:
    books = Books()
    line = books.a_line()
    (before,) = books.told(line)
    assert books.compare() == {**NOTHING, "partner_lacks": 1}
    assert books.told(line) == [msgspec.structs.replace(before, version=2)]
    newest = Order.objects.get(line_id=line.pk, version=2)
    first = Order.objects.get(line_id=line.pk, version=1)
    assert newest.snapshot["required_actions"] == first.snapshot["required_actions"] != []
    assert newest.complete_by == first.complete_by
    # It is on its way: nothing more is to be done until it has arrived.
    assert books.compare() == NOTHING
    books.acknowledge(line)
    books.hold(line)
    assert books.send().differing == []


def test_what_a_partner_must_not_hold_is_ordered_deleted() -> None:
    books = Books()
    kept_after_a_stop_it_had_signed(books)
    (line_id,) = books.versions()
    assert books.compare() == {**NOTHING, "partner_has": 1}
    orders = list(Order.objects.filter(line_id=line_id).order_by("version"))
    assert [order.state for order in orders] == ["acknowledged", "contradicted", "queued"]
    newest = orders[-1]
    assert newest.snapshot["state"] == []
    scope = {"purpose": books.campaign.purpose, "recipient": books.campaign.lbs_provider.uri}
    laid = [duty["action"] for duty in newest.snapshot["duties"] if duty["scope"] == scope]
    assert sorted(laid) == ["delete_held", "notify_downstream", "stop_use"]
    assert newest.complete_by == newest.queued_at + timedelta(days=10)


def test_one_incident_a_day_counts_all_and_names_no_line() -> None:
    books = Books()
    for _ in range(3):
        kept_after_a_stop(books)
    assert books.compare()["partner_has"] == 3
    incident = Incident.objects.get()
    assert (incident.kind, incident.count, incident.subject) == ("partner_has", 3, f"partner:{books.party.pk}")
    assert re.fullmatch(rf"partner:{books.party.pk}:\d{{4}}-\d\d-\d\d", incident.key)
    written = AuditEvent.objects.filter(action__startswith="digest.").order_by("id")
    assert [(one.action, one.line_id) for one in written] == [("digest.received", None), ("digest.compared", None)]
    # Two of three may fall into one.
    buckets = {bucket_of(entry.sub) for entry in books.held}
    assert written[1].detail == {"buckets": len(buckets), **NOTHING, "partner_has": 3}


def test_a_bucket_is_compared_once_in_a_run() -> None:
    books = Books()
    kept_after_a_stop(books)
    as_of = database_clock() + LATER
    run = books.send(as_of)
    assert books.answer(run, as_of).findings == {**NOTHING, "partner_has": 1}
    assert books.answer(run, as_of).findings == {**NOTHING, "partner_has": 1}
    assert incidents() == [("partner_has", 1)]
    run.refresh_from_db()
    assert (run.drilled, run.finished_at) == (run.differing, as_of)


def test_a_suspension_is_no_difference_but_denials_under_it_are() -> None:
    books = Books()
    kept, told_no = books.a_line(), books.a_line()
    books.hold(kept)
    books.hold(told_no)
    Suspension.objects.create(
        of="party", target_id=books.party.pk, starts_at=LONG_AGO, reason="test", actor="officer:1"
    )
    assert books.send().differing == []
    # A choice made meanwhile tells the partner that nothing is allowed.
    choices.pause(
        line_id=told_no.pk, scope="campaign", ref=books.other.ref, actor="subscriber:1", channel="web",
        until=database_clock() + timedelta(days=1),
    )  # fmt: skip
    books.acknowledge(told_no)
    assert books.told(told_no) == []
    assert books.compare() == {**NOTHING, "partner_has": 1}


def test_books_of_an_ended_contract_must_be_empty() -> None:
    books = Books()
    books.hold(books.a_line())
    as_of = database_clock() + LATER
    # One that ended after the books were read is not held against them.
    Contract.objects.filter(pk=books.contract.pk).update(ends_at=as_of + timedelta(seconds=1))
    assert books.compare(as_of) == NOTHING
    Contract.objects.filter(pk=books.contract.pk).update(ends_at=database_clock() - timedelta(days=1), epoch=2)
    assert books.compare() == {**NOTHING, "partner_has": 1}
    books.held.clear()
    assert books.send().differing == []


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_an_end_not_known_yet_is_held_against_nobody(of: str) -> None:
    books = Books()
    books.hold(books.a_line())
    ended, pk = (Contract, books.contract.pk) if of == "contract" else (Campaign, books.campaign.pk)
    ended.objects.filter(pk=pk).update(ends_at=database_clock() - timedelta(hours=1))
    cohort = Cohort.objects.create(
        id=uuid.uuid4(), of=of, target_id=pk, contract_id=books.contract.pk, party_id=books.party.pk, epoch=2,
        terminated_at=database_clock(), actor="officer:1", reason="over", plan={}, complete_by=database_clock(),
    )  # fmt: skip
    assert books.compare() == {**NOTHING, "same": 1}
    event = StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=books.party.pk, cohort_id=cohort.pk, kind=StreamEvent.Kind.COHORT, jti="cohort",
        claims={}, queued_at=database_clock(), next_attempt_at=database_clock(),
    )  # fmt: skip
    Cohort.objects.filter(pk=cohort.pk).update(event_id=event.id)
    assert books.compare() == {**NOTHING, "same": 1}
    StreamEvent.objects.update(state=State.ACKNOWLEDGED, acknowledged_at=database_clock(), next_attempt_at=None)
    assert books.compare() == {**NOTHING, "partner_has": 1}


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_what_is_held_after_a_signed_end_contradicts_it(of: str) -> None:
    books = Books()
    line = books.a_line()
    books.hold(line)
    pk = books.contract.pk if of == "contract" else books.campaign.pk
    seen = termination.plan(of=of, target_id=pk, at=database_clock())
    cohort = terminate(
        of=of, target_id=pk, actor=an_actor(), reason="Due", plan_digest=seen.digest, at=database_clock()
    )
    build_manifests(now=database_clock() + timedelta(minutes=2))
    cohort.refresh_from_db()
    StreamEvent.objects.update(state=State.ACKNOWLEDGED, acknowledged_at=database_clock(), next_attempt_at=None)
    as_of = database_clock() + LATER
    # While the end is not signed for, no word is broken.
    assert books.compare(as_of) == {**NOTHING, "partner_has": 1}
    assert (incidents(), states_of(cohort)) == ([("partner_has", 1)], ["acknowledged"])
    books.acknowledge(line)
    sign_end(cohort, at=as_of)
    night = as_of + timedelta(days=1)
    assert books.compare(night) == {**NOTHING, "partner_has": 1}
    assert states_of(cohort) == ["contradicted", "queued"]
    assert Incident.objects.get(kind="contradicted").key == f"cohort:{cohort.pk}:{night:%Y-%m-%d}"
    # That it is asked for anew is on its way, and excuses nothing: the partner knows of the end.
    next_night = night + timedelta(days=1)
    assert books.compare(next_night) == {**NOTHING, "partner_has": 1}
    assert states_of(cohort) == ["contradicted", "queued"]
    keys = Incident.objects.filter(kind="contradicted").values_list("key", flat=True)
    assert sorted(keys) == [f"cohort:{cohort.pk}:{one:%Y-%m-%d}" for one in (night, next_night)]


def states_of(cohort: Cohort) -> list[str]:
    events = StreamEvent.objects.filter(cohort_id=cohort.pk)
    return list(events.order_by("queued_at").values_list("state", flat=True))


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


def test_a_company_that_a_file_adds_later_is_told() -> None:
    books = Books(names_recipient=True)
    bail, late = a_party("BailNow", "end_customer"), a_party("Late", "end_customer")
    Reach.objects.create(campaign=books.campaign, party=bail)
    line = books.a_line()
    choices.stop(line_id=line.pk, scope="party", ref=bail.uri, actor="subscriber:1", channel="web")
    books.acknowledge(line)
    (entry,) = books.told(line)
    books.held = [msgspec.structs.replace(entry, version=entry.version - 1)]
    # From here on a stop of anybody behind the use is one of this company's too, until it is told apart.
    Reach.objects.create(campaign=books.campaign, party=late, told_apart=False)
    assert books.compare() == {**NOTHING, "same": 1}
    (entry,) = books.told(line)
    assert entry.excepted == (bail.uri, late.uri)


def test_a_run_is_the_partner_s_own_and_ends() -> None:
    books, stranger = Books(), Books(party=a_party("NorthLink"))
    lost(books)
    as_of = database_clock() + LATER
    run = books.send(as_of)
    with pytest.raises(NoSuchRun):
        stranger.answer(run, as_of)
    with pytest.raises(NoSuchRun):
        books.answer(run, as_of + timedelta(days=1))
    with pytest.raises(NotDiffering):
        compare_buckets(
            party=books.party, run_id=run.id, buckets={int(run.differing[0], 16) ^ 1: []}, as_of=as_of, at=as_of
        )


def test_a_day_has_room_for_so_many_digests() -> None:
    books = Books()
    for _ in range(MOST_RUNS_A_DAY):
        books.send()
    with pytest.raises(TooMany):
        books.send()
    assert DigestRun.objects.count() == MOST_RUNS_A_DAY


def test_many_subscribers_take_a_bounded_number_of_statements() -> None:
    books, many = Books(), 20_000 if NIGHTLY else 1_000
    template = books.a_line()
    _many(template.pk, books, many)
    as_of = database_clock() + LATER
    with CaptureQueriesContext(connection) as digest:
        run = books.send(as_of, held=books.told(template))
    assert len(digest) < 12
    assert len(run.differing) > many * 3 // 4
    buckets: dict[int, list[Entry]] = {int(name, 16): [] for name in run.differing[:64]}
    with CaptureQueriesContext(connection) as drilled:
        done = compare_buckets(party=books.party, run_id=run.id, buckets=buckets, as_of=as_of, at=as_of)
    assert done.findings["partner_lacks"] >= 64
    assert len(drilled) < 300
    assert done.remaining == len(run.differing) - 64


def _many(line_id: int, books: Books, n: int) -> None:
    """As many lines that stand as this one does, past the verbs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_line (carrier_id, public_id, account_id, holder_name_sealed, user_role, state,"
            " language, activated_at) SELECT 'M' || n, gen_random_uuid(), account_id, holder_name_sealed, user_role,"
            " state, language, activated_at FROM accounts_line, generate_series(1, %s) n WHERE id = %s RETURNING id",
            [n, line_id],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO partners_pairwisesubject (line_id, party_id, sub)"
            " SELECT n, %s, 'k1.' || md5(n::text) FROM unnest(%s::bigint[]) n",
            [books.party.pk, ids],
        )
        cursor.execute(
            "INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language,"
            " evidence_ref, verified_by, recorded_at, source_id, content_hash) SELECT n, gen_random_uuid(), campaign,"
            " method, captured_at, captured_by, wording, language, evidence_ref, verified_by, recorded_at,"
            " 's' || n, content_hash FROM consent_approval, unnest(%s::bigint[]) n"
            " WHERE line_id = %s AND campaign = %s",
            [ids, line_id, books.campaign.ref],
        )
        cursor.execute(
            "INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id,"
            " lane, snapshot, queued_at, state, attempts, next_attempt_at, parked_with, note) SELECT n,"
            " gen_random_uuid(), contract_id, party_id, epoch, version, 'j' || n, 'x' || n, gen_random_uuid(), lane,"
            " snapshot, queued_at, 'queued', 0, queued_at, '', '' FROM revocations_order,"
            " unnest(%s::bigint[]) n WHERE line_id = %s",
            [ids, line_id],
        )
        cursor.execute(
            "INSERT INTO revocations_standing (line_id, contract_id, epoch, version, order_id)"
            " SELECT line_id, contract_id, epoch, version, id FROM revocations_order WHERE line_id = ANY (%s)",
            [ids],
        )
    many = Order.objects.filter(line_id__in=ids)
    bring_all_to(State.ACKNOWLEDGED, many, acknowledged_at=database_clock(), next_attempt_at=None)


# --- the door


@pytest.fixture
def books() -> Books:
    return Books()


def put(client: Client, token: str, body: object, **headers: str) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.put(
        "/ssf/digest", sent, content_type="application/json", headers={"Authorization": f"Bearer {token}", **headers}
    )


def a_body(books: Books, **changes: object) -> dict[str, object]:
    entries = [msgspec.to_builtins(entry) for entry in books.held]
    buckets = guide()["buckets"](entries)
    return {"as_of": timezone.now().isoformat(), "entries": len(entries), "buckets": buckets, **changes}


def test_a_partner_sends_its_digest_and_then_what_differs(client: Client, books: Books) -> None:
    kept_after_a_stop(books)
    long_ago = timezone.now() - timedelta(hours=1)
    Order.objects.update(acknowledged_at=long_ago)
    token = a_token_of(books.party, "receipts:write")
    said = put(client, token, gzip.compress(json.dumps(a_body(books)).encode()), **{"Content-Encoding": "gzip"})
    assert said.status_code == 200
    run = said.json()
    (entry,) = books.held
    assert run["differing"] == [name_of(bucket_of(entry.sub))]
    held = {run["differing"][0]: [msgspec.to_builtins(entry)]}
    answer = put(client, token, {"run": run["run"], "as_of": timezone.now().isoformat(), "buckets": held})
    assert (answer.status_code, answer.json()) == (
        200,
        {"run": run["run"], "remaining": 0, "findings": {**NOTHING, "partner_has": 1}},
    )
    written = AuditEvent.objects.filter(action__startswith="digest.").order_by("id")
    assert [one.detail["client"] for one in written] == [f"machine-{books.party.pk}"] * 2


WRONG: list[tuple[dict[str, object], str]] = [
    ({"as_of": "2020-01-01T00:00:00Z"}, "as_of must be a time of the last 6 hours."),
    ({"as_of": "2100-01-01T00:00:00Z"}, "as_of must be a time of the last 6 hours."),
    ({"as_of": "2026-11-20T00:00:00"}, "Expected `datetime` with a timezone component - at `$.as_of`"),
    ({"entries": -1}, "Expected `int` >= 0 - at `$.entries`"),
    ({"buckets": "!"}, "buckets must be base64."),
    ({"buckets": "AAAA"}, "buckets must be 524,288 bytes, 8 for each of 65,536."),
    ({"more": 1}, "Object contains unknown field `more`"),
    ({"run": str(uuid.UUID(int=0)), "buckets": {}}, "Object contains unknown field `entries`"),
]
TOO_LARGE = "Unpacked, at most 8,000,000 bytes go into one request."
HOSTILE: list[tuple[bytes, dict[str, str], int, str]] = [
    (b"{", {}, 400, "The body is not JSON."),
    (b"\xff", {}, 400, "The body is not JSON."),
    (b'{"run":' * 100_000, {}, 400, "The JSON nests more than 32 levels deep."),
    (b"{}", {"Content-Encoding": "gzip"}, 400, "The body is not gzip."),
    (b"{}", {"Content-Encoding": "br"}, 415, "Content-Encoding must be gzip or left out."),
    (gzip.compress(b"{}" * 100)[:-9], {"Content-Encoding": "gzip"}, 400, "The body is not whole."),
    (gzip.compress(b" " * 8_000_001), {"Content-Encoding": "gzip"}, 413, TOO_LARGE),
    (b" " * 2_000_001, {}, 413, "At most 2,000,000 bytes go into one request."),
]


def test_a_wrong_digest_is_told_what_is_wrong(client: Client, books: Books) -> None:
    token = a_token_of(books.party, "receipts:write")
    assert put(client, a_token_of(books.party, "ssf.read"), a_body(books)).status_code == 403
    assert client.put("/ssf/digest", b"{}", content_type="application/json").status_code == 401
    assert client.get("/ssf/digest", headers={"Authorization": f"Bearer {token}"}).status_code == 405
    for changes, detail in WRONG:
        said = put(client, token, a_body(books, **changes))
        assert (said.status_code, said.json()["detail"]) == (400, detail)
    for sent, headers, status, detail in HOSTILE:
        said = put(client, token, sent, **headers)
        assert (said.status_code, said.json()["detail"]) == (status, detail)


def test_buckets_are_bounded_whole_and_their_own(client: Client, books: Books) -> None:
    lost(books)
    token = a_token_of(books.party, "receipts:write")
    entry = msgspec.to_builtins(books.held[0] if books.held else guide_entry())

    def asked(buckets: dict[str, object], run: str = str(uuid.UUID(int=0))) -> tuple[int, str]:
        said = put(client, token, {"run": run, "as_of": timezone.now().isoformat(), "buckets": buckets})
        return said.status_code, said.json()["detail"]

    assert asked({}) == (404, "No run of yours has this id, or it is over 24 hours old.")
    wrong = name_of(bucket_of(entry["sub"]) ^ 1)
    assert asked({wrong: [entry]}) == (400, f"Bucket {wrong} holds an entry of another one.")
    many: dict[str, object] = {name_of(n): [] for n in range(65)}
    assert asked(many) == (413, "At most 64 buckets and 5,000 entries go into one request.")
    assert asked({name_of(bucket_of(entry["sub"])): [entry] * 5001})[0] == 413
    assert asked({"0A3F": []})[0] == 400


def guide_entry() -> Entry:
    return Entry("k1.x", "https://a.example/agreements/1", 1, 1, "https://b.example", "dpv:X", "s")
