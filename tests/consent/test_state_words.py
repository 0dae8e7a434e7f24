"""Every state of an order, a choice and a company, in the words a person reads: one table each, written by hand."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from consent.models import Choice
from consent.queries.choice_words import Author, choice_title, discreet_title, impersonal_title
from consent.queries.choices import ChoiceRow
from consent.queries.current_consent_uses import Proof, Use
from consent.queries.order_words import order_sentence, order_tag, signed_claim
from consent.queries.progress import OrderState, Progress, Step
from disclosures.queries.card_words import card_tags, proof_words
from disclosures.queries.company_cards import CompanyCard, UseCard
from disclosures.queries.judgement_counts import OutsideAgreements, Tally
from disclosures.queries.trails import NamedParty
from revocations.models import State
from revocations.queries.coverage import Company, Coverage
from support.queries.names import ORDER_TAGS

AT = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
BRIDGE = "<bdi>GeoBridge</bdi>"
MISSING = Coverage(missing=(Company("https://worker.example", "LoneWorker"),))
NOTHING_OUTSIDE = OutsideAgreements()
type Word = tuple[str, str, str]


def an_order(
    state: State, *, owes: bool = False, owes_deletion: bool = False, unconfirmed: bool = False, overdue: bool = False
) -> OrderState:
    return OrderState(1, state, unconfirmed, overdue, owes_deletion, owes, coverage=MISSING)


def a_progress(shown: OrderState, *, state: str = "", received: bool = False) -> Progress:
    steps = (Step("blocked", "done", AT), Step("received", "done" if received else "todo", AT if received else None))
    return Progress(
        order_id=uuid.UUID(int=1), party="GeoBridge", party_id=1, state=state or shown.state, shown=shown, steps=steps,
        attempts=1, complete_by=AT, note="",
    )  # fmt: skip


WAITING, SENT = ("plain", "Waiting to send", "clock"), ("plain", "Sent, no answer yet", "clock")
UNSIGNED, UNDELETED = (
    ("warn", "Received, not yet signed", "clock"),
    ("warn", "Received, deletion not yet signed", "clock"),
)
STOPPED, DELETED = ("good", "Signed: stopped", "check"), ("good", "Signed: deleted", "check")
IN_PART, ON_HOLD = ("warn", "Signed in part", "clock"), ("warn", "On hold", "pause")
REFUSED, CONTINUED = ("bad", "Refused", "alert"), ("bad", "Continued after signing", "alert")
REPLACED, LATE = ("plain", "Replaced", ""), ("bad", "Late", "clock")
UNCONFIRMED, RECEIVED = ("warn", "Not yet confirmed", "clock"), ("good", "Received", "check")
TAG_WORDS: dict[str, Word] = {
    "W": WAITING, "S": SENT, "r": UNSIGNED, "d": UNDELETED, "s": STOPPED, "D": DELETED, "p": IN_PART, "h": ON_HOLD,
    "x": REFUSED, "c": CONTINUED, "-": REPLACED, "L": LATE, "u": UNCONFIRMED, "R": RECEIVED,
}  # fmt: skip
# Whether the partner has it; then, for a choice that asks it to sign for nothing, to stop using, and to delete, four
# words each: as it is, overdue, unconfirmed, and both.
TAGS: dict[State, tuple[bool, str, str, str]] = {
    State.QUEUED: (False, "WWuu", "WLuL", "WLuL"),
    State.SENT: (False, "SSuu", "SLuL", "SLuL"),
    State.ACKNOWLEDGED: (True, "RRRR", "rLuL", "dLuL"),
    State.COMPLETED: (True, "RRRR", "sLuL", "DLuL"),
    State.PARTIAL: (True, "RRRR", "pLuL", "pLuL"),
    State.PARKED: (False, "hhuu", "hLuL", "hLuL"),
    State.REJECTED: (True, "xxuu", "xLuL", "xLuL"),
    State.CONTRADICTED: (True, "RRRR", "cLuL", "cLuL"),
    State.SUPERSEDED: (False, "--uu", "-LuL", "-LuL"),
}
ASKS: tuple[dict[str, bool], ...] = ({"owes": False}, {"owes": True}, {"owes": True, "owes_deletion": True})
TROUBLES: tuple[dict[str, bool], ...] = (
    {},
    {"overdue": True},
    {"unconfirmed": True},
    {"overdue": True, "unconfirmed": True},
)


def tag(progress: Progress, *, undone: bool = False) -> Word:
    shown = order_tag(progress=progress, undone=undone)
    return shown.tone, str(shown.text), shown.icon


@pytest.mark.parametrize("state", State)
def test_each_state_of_an_order_has_its_word(state: State) -> None:
    received, *words = TAGS[state]
    for asks, letters in zip(ASKS, words, strict=True):
        for trouble, letter in zip(TROUBLES, letters, strict=True):
            progress = a_progress(an_order(state, **asks, **trouble), received=received)
            assert tag(progress) == TAG_WORDS[letter], (asks, trouble)
            # A choice that stands no more is only told as replaced where a newer message took its order's place.
            assert tag(progress, undone=True) == (REPLACED if state == State.SUPERSEDED else TAG_WORDS[letter])


def test_a_replaced_order_is_told_by_the_newer_one_while_its_choice_stands() -> None:
    newer = a_progress(an_order(State.COMPLETED, owes=True, owes_deletion=True), state=State.SUPERSEDED, received=True)
    assert (tag(newer), tag(newer, undone=True)) == (DELETED, REPLACED)


def test_the_desk_has_a_word_for_each_state_of_an_order() -> None:
    assert {State(state): (one.tone, str(one.text), one.icon) for state, one in ORDER_TAGS.items()} == {
        State.QUEUED: ("warn", "Waiting to send", ""),
        State.SENT: ("plain", "Sent", ""),
        State.ACKNOWLEDGED: ("plain", "Received", ""),
        State.COMPLETED: ("good", "Signed as done", ""),
        State.PARTIAL: ("warn", "Signed in part", ""),
        State.PARKED: ("warn", "On hold: we are looking into it", ""),
        State.REJECTED: ("bad", "Refused by the partner", ""),
        State.CONTRADICTED: ("bad", "Continued after signing", ""),
        State.SUPERSEDED: ("plain", "Replaced by a newer order", ""),
    }


KEPT_TRYING = f"{BRIDGE} has <strong>not yet confirmed</strong> our message. We keep trying."
UNANSWERED = {State.QUEUED, State.SENT, State.ACKNOWLEDGED}
STOPPED_USING = f"{BRIDGE} signed that it stopped using your data."
FOR_PART = f"{BRIDGE} signed for part of it. 1 company that gets data from it has not signed: <bdi>LoneWorker</bdi>."
# What is said where the choice asks the partner to sign for nothing, to stop using, and to delete.
SENTENCES: dict[State, tuple[str, str, str]] = {
    State.QUEUED: (f"Our message to {BRIDGE} is waiting to be sent.",) * 3,
    State.SENT: (f"We sent our message to {BRIDGE}. It has not answered yet.",) * 3,
    State.ACKNOWLEDGED: (
        f"{BRIDGE} received our message.",
        f"{BRIDGE} received our message. It has not yet signed that it stopped using your data.",
        f"{BRIDGE} received our message. It has not yet signed that it deleted your data.",
    ),
    State.COMPLETED: (STOPPED_USING, STOPPED_USING, f"{BRIDGE} signed that it deleted your data."),
    State.PARTIAL: (FOR_PART,) * 3,
    State.PARKED: (f"Our message to {BRIDGE} is on hold. We are looking into it.",) * 3,
    State.REJECTED: (f"{BRIDGE} refused our message. We are looking into it.",) * 3,
    State.CONTRADICTED: (f"{BRIDGE} signed, but continued afterward. We opened a case.",) * 3,
    State.SUPERSEDED: ("A newer message replaced this one.",) * 3,
}


@pytest.mark.parametrize("state", State)
def test_each_state_of_an_order_has_its_sentence(state: State) -> None:
    for asks, said in zip(ASKS, SENTENCES[state], strict=True):
        for trouble in TROUBLES:
            told = order_sentence(order=an_order(state, **asks, **trouble), party="GeoBridge")
            late = asks["owes"] and "overdue" in trouble and state in UNANSWERED
            then = f" {BRIDGE} is late to sign. Our privacy office is following up." if late else ""
            assert told == (KEPT_TRYING if "unconfirmed" in trouble else said) + then, (asks, trouble)


def test_a_deletion_of_one_company_s_data_is_told_as_no_more() -> None:
    order = replace(an_order(State.COMPLETED, owes=True, owes_deletion=True), only_about=("https://worker.example",))
    assert order_sentence(order=order, party="A & B") == (
        "<bdi>A &amp; B</bdi> signed that it deleted the data your stop covers."
    )


@pytest.mark.parametrize(
    ("n", "also"),
    [
        (0, ""),
        (1, ", and so did 1 company that gets data from it"),
        (2, ", and so did 2 companies that get data from it"),
    ],
)
def test_those_behind_a_partner_who_signed_are_counted(n: int, also: str) -> None:
    signed = Coverage(signed=(Company("https://worker.example", "LoneWorker"),) * n)
    order = replace(an_order(State.COMPLETED, owes=True, owes_deletion=True), coverage=signed)
    assert signed_claim(progress=a_progress(order)) == f"{BRIDGE} signed that it deleted your data{also}"


def a_choice(kind: Choice.Kind, scope: Choice.Scope, *, why: str, disputed: bool = False) -> ChoiceRow:
    named = scope in {Choice.Scope.PARTY, Choice.Scope.CAMPAIGN}
    return ChoiceRow(
        id=uuid.UUID(int=1), line_id=1, kind=kind, scope=scope, ref="" if scope == Choice.Scope.ALL else "ref",
        company="GeoBridge" if named else "", why=why, made_at=AT, recorded_at=AT, until=None, by="person",
        actor="subscriber:1", channel="web", program="", disputed=disputed, receipt="", told=(), use=("", ""),
        notice="", withdrawn_at=None,
    )  # fmt: skip


WHY = "To find you & help"
FIND = "To find you &amp; help"
STOP, PAUSE, ALLOW, REFUSE = Choice.Kind.STOP, Choice.Kind.PAUSE, Choice.Kind.ALLOW, Choice.Kind.REFUSE
ALL, PARTY, PURPOSE, CAMPAIGN = Choice.Scope.ALL, Choice.Scope.PARTY, Choice.Scope.PURPOSE, Choice.Scope.CAMPAIGN
PAUSED, CHOSE, ALLOWED = "You paused sharing", "You chose to stop", "You allowed one use"
# What whoever chose reads, what others read, and the title of the page, for each choice that there may be. A company's
# choice has no purpose, a purpose's always one, and a use's one where the use is known.
TITLES: dict[tuple[Choice.Kind, Choice.Scope, str], tuple[str, str, str]] = {
    (STOP, ALL, ""): ("You stopped all sharing", "All sharing was stopped", "You stopped all sharing"),
    (STOP, PARTY, ""): (f"You stopped {BRIDGE}", f"{BRIDGE} was stopped", CHOSE),
    (STOP, PURPOSE, WHY): (
        f"You stopped every use of this kind: {FIND}", f"Every use of this kind was stopped: {FIND}", CHOSE,
    ),
    (STOP, CAMPAIGN, WHY): (
        f"You stopped one use by {BRIDGE}: {FIND}", f"One use by {BRIDGE} was stopped: {FIND}", CHOSE,
    ),
    (STOP, CAMPAIGN, ""): (f"You stopped {BRIDGE}", f"{BRIDGE} was stopped", CHOSE),
    (PAUSE, ALL, ""): ("You paused all sharing", "All sharing was paused", PAUSED),
    (PAUSE, PARTY, ""): (f"You paused {BRIDGE}", f"{BRIDGE} was paused", PAUSED),
    (PAUSE, PURPOSE, WHY): (
        f"You paused every use of this kind: {FIND}", f"Every use of this kind was paused: {FIND}", PAUSED,
    ),
    (PAUSE, CAMPAIGN, WHY): (f"You paused {BRIDGE}", f"{BRIDGE} was paused", PAUSED),
    (PAUSE, CAMPAIGN, ""): (f"You paused {BRIDGE}", f"{BRIDGE} was paused", PAUSED),
    (ALLOW, CAMPAIGN, WHY): (f"You allowed {BRIDGE}: {FIND}", f"{BRIDGE} was allowed: {FIND}", ALLOWED),
    (ALLOW, CAMPAIGN, ""): (f"You allowed {BRIDGE}", f"{BRIDGE} was allowed", ALLOWED),
    (REFUSE, CAMPAIGN, WHY): (f"You said no to {BRIDGE}", f"{BRIDGE} was refused", CHOSE),
    (REFUSE, CAMPAIGN, ""): (f"You said no to {BRIDGE}", f"{BRIDGE} was refused", CHOSE),
}  # fmt: skip
# "I never agreed" is a stop of everything, of a company or of a use.
DISPUTES: dict[tuple[Choice.Scope, str], tuple[str, str, str]] = {
    (ALL, ""): ("You said you never agreed", "It was reported that no one agreed", "You stopped all sharing"),
    (PARTY, ""): (f"You said you never agreed to {BRIDGE}", f"It was reported that no one agreed to {BRIDGE}", CHOSE),
    (CAMPAIGN, WHY): (
        f"You said you never agreed to {BRIDGE}", f"It was reported that no one agreed to {BRIDGE}", CHOSE,
    ),
    (CAMPAIGN, ""): (
        f"You said you never agreed to {BRIDGE}", f"It was reported that no one agreed to {BRIDGE}", CHOSE,
    ),
}  # fmt: skip
CASES = [(a_choice(kind, scope, why=why), said) for (kind, scope, why), said in TITLES.items()] + [
    (a_choice(STOP, scope, why=why, disputed=True), said) for (scope, why), said in DISPUTES.items()
]


@pytest.mark.parametrize(("choice", "said"), CASES)
def test_each_choice_has_its_title(choice: ChoiceRow, said: tuple[str, str, str]) -> None:
    yours, anothers, discreet = said
    assert choice_title(choice=choice, author="you") == yours
    assert impersonal_title(choice=choice) == anothers
    assert discreet_title(choice=choice, author="you") == discreet
    others: tuple[Author, ...] = ("holder", "user", "delegate", "us")
    for author in others:
        assert choice_title(choice=choice, author=author) == anothers
        assert discreet_title(choice=choice, author=author) == "A choice about this phone"


def test_what_we_suspended_is_told_as_ours() -> None:
    choice = replace(a_choice(STOP, PARTY, why=""), by="us")
    assert choice_title(choice=choice, author="you") == f"We suspended {BRIDGE} for this phone"
    assert discreet_title(choice=choice, author="you") == "We suspended a company"


def a_use(*, allowed: bool = False, suspended: bool = False, proof: Proof | None = None) -> UseCard:
    use = cast("Use", SimpleNamespace(allowed=allowed, is_suspended=suspended))
    return UseCard("", "", "", 0, 0, None, use, proof or Proof("agreed", AT, ended=True))


CARD = CompanyCard(
    company=NamedParty(1, "https://geobridge.example", "GeoBridge"), about="", website="", trails=(), more_trails=0,
    instead=(), uses=(a_use(),), n=0, recent=0, last_at=None, refused=0, not_allowed=(), outside=NOTHING_OUTSIDE,
    got_it=False, no_record=False, recent_not_allowed=0, after_stop=0, stopped_at=None, paused_until=None,
    denied_since=None, by_record=False, by_us=False, no_authors=(), gate_is_open=True, orders=(), also_stops=(),
    disputes={},
)  # fmt: skip
NO_RECORD = ("bad", "No record that you agreed", "alert")
YOU_STOPPED = ("plain", "You stopped it", "stop")
PAUSED_IT = ("plain", "Paused", "pause")
BY_RECORD = ("plain", "Stopped by an earlier record", "stop")
BY_US = ("warn", "We suspended it for you", "stop")
PARTNER_SUSPENDED = ("warn", "We suspended this partner", "pause")
AGREED = ("good", "You agreed", "check")
SOME_NOT_ALLOWED = ("warn", "Some look-ups you did not allow", "alert")
ONCE_OUTSIDE = OutsideAgreements(recent=(Tally("emergency", "For an emergency", "plain", 1),))
DOUBTFUL = replace(ONCE_OUTSIDE, doubtful=1)


@pytest.mark.parametrize(
    ("card", "tags"),
    [
        (replace(CARD, after_stop=1, recent=1, stopped_at=AT), [("bad", "Looked up after your stop", "alert")]),
        (replace(CARD, no_record=True), [NO_RECORD]),
        (replace(CARD, no_record=True, stopped_at=AT), [NO_RECORD, YOU_STOPPED]),
        (replace(CARD, no_record=True, stopped_at=AT, by_record=True), [NO_RECORD]),
        (replace(CARD, no_record=True, stopped_at=AT, by_us=True), [NO_RECORD]),
        (replace(CARD, no_record=True, paused_until=AT), [NO_RECORD, PAUSED_IT]),
        (replace(CARD, stopped_at=AT, by_record=True), [BY_RECORD]),
        (replace(CARD, stopped_at=AT, by_us=True), [BY_US]),
        (replace(CARD, stopped_at=AT), [YOU_STOPPED]),
        (replace(CARD, after_stop=1, stopped_at=AT), [YOU_STOPPED]),
        (replace(CARD, paused_until=AT), [PAUSED_IT]),
        (replace(CARD, uses=(), outside=DOUBTFUL), [("warn", "We are asking why", "alert")]),
        (replace(CARD, uses=(), outside=ONCE_OUTSIDE), [("plain", "Outside your choices", "")]),
        (replace(CARD, uses=()), [("good", "Refused", "check")]),
        (replace(CARD, uses=(a_use(proof=Proof("claimed", AT)),)), [("warn", "Only the company's word", "alert")]),
        (replace(CARD, uses=(a_use(allowed=True),)), [AGREED]),
        (replace(CARD, uses=(a_use(allowed=True),), recent_not_allowed=1), [AGREED, SOME_NOT_ALLOWED]),
        (replace(CARD, recent_not_allowed=1, no_record=True), [NO_RECORD]),
        (replace(CARD, uses=(a_use(proof=Proof("allowed", AT)),)), [AGREED]),
        (replace(CARD, uses=(a_use(proof=Proof("none")),)), [NO_RECORD]),
        (CARD, [("warn", "Your consent has ended", "clock")]),
        (replace(CARD, uses=(a_use(suspended=True, proof=Proof("agreed", AT)),)), [AGREED, PARTNER_SUSPENDED]),
        (replace(CARD, uses=(a_use(suspended=True), a_use(allowed=True))), [AGREED]),
    ],
)
def test_each_company_has_its_tags(card: CompanyCard, tags: list[Word]) -> None:
    assert [(one.tone, str(one.text), one.icon) for one in card_tags(card=card)] == tags


def test_a_company_s_tag_says_that_a_helper_stopped_it() -> None:
    (tag,) = card_tags(card=replace(CARD, stopped_at=AT), author="delegate")
    assert str(tag.text) == "A trusted helper stopped it"


def test_nothing_to_speak_for_an_agreement_is_told_as_no_record() -> None:
    nothing = '<strong class="bad-word">No record that you agreed.</strong>'
    assert proof_words(proof=Proof("none"), author="you") == nothing


@pytest.mark.parametrize("proof", [Proof("agreed"), Proof("allowed"), Proof("claimed")])
def test_a_proof_without_its_moment_is_not_told_as_no_record(proof: Proof) -> None:
    with pytest.raises(ValueError, match="without its moment"):
        proof_words(proof=proof, author="you")
