"""Reconciliation: what a partner holds and we deny is found in every case, and nothing else is raised."""

import re
import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.lines import end_tenures, terminate
from consent.domain.digest_books import bucket_of, name_of, our_digest
from consent.queries import termination
from consent.workers.cohorts import build_manifests
from partners.models import Campaign, Contract, Suspension
from revocations.models import Cohort, Order, State, StreamEvent
from tests.consent.books import GUIDE, LATER, Books, a_name_of_nobody, guide
from tests.factories import LONG_AGO, a_line, an_approval
from tests.moments import begins_at
from tests.orders import sign_end
from tests.properties import stories, undone
from tests.selection import drawn
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
    acknowledge(an_end_of(books, uuid.uuid4()), at=database_clock() - timedelta(hours=1))
    event = an_end_of(books, cohort.pk)
    Cohort.objects.filter(pk=cohort.pk).update(event_id=event.id)
    assert books.compare() == {**NOTHING, "same": 1}
    acknowledged_at = acknowledge(event, at=database_clock())
    assert begins_at(lambda at: books.compare(at)["partner_has"], acknowledged_at + timedelta(seconds=5))
    assert books.compare() == {**NOTHING, "partner_has": 1}


def an_end_of(books: Books, cohort_id: uuid.UUID) -> StreamEvent:
    """What tells the partner of an end."""
    return StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=books.party.pk, cohort_id=cohort_id, kind=StreamEvent.Kind.COHORT,
        jti=str(cohort_id), claims={}, queued_at=database_clock(), next_attempt_at=database_clock(),
    )  # fmt: skip


def acknowledge(event: StreamEvent, *, at: datetime) -> datetime:
    event.state, event.acknowledged_at, event.next_attempt_at = State.ACKNOWLEDGED, at, None
    event.save(update_fields=["state", "acknowledged_at", "next_attempt_at"])
    return at


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
