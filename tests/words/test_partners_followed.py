"""How far each partner is with a stop of everything: on home, on companies' pages, at the desk, in the console."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoDbBlocker

from consent.models import ChoiceReceipt
from partners.models import PairwiseSubject
from revocations.models import Order
from support.models import Ticket
from tests.people import Browser, signed_in
from tests.support.officers import staff
from tests.words.expected import EASTERN, LANGUAGES, Words
from tests.words.pages import Part, changes, main, press, read, without
from tests.words.partners import Market
from tests.words.worlds import DAY, MINUTE, Cast, a_cast, in_a_market, stop_everything

pytestmark = pytest.mark.usefixtures("db")

# By role and moment: what a person reads of the partner on a company's card.
WAITS, LATE, RECEIVED = "the_message_to_is", "has_not_yet_confirmed", "has_our_message_it"
NOW = {
    "unsent": (WAITS, WAITS, LATE, LATE),
    "dead": (WAITS, WAITS, LATE, LATE),
    "homeless": (WAITS, WAITS, LATE, LATE),
    "sent": (WAITS, "was_told_and_has", LATE, LATE),
    "parked": (WAITS, "the_message_to_is_held", LATE, LATE),
    "received": (WAITS, RECEIVED, RECEIVED, RECEIVED),
    "begun": (WAITS, "was_told_and_has", LATE, RECEIVED),
    "refused": (WAITS, RECEIVED, RECEIVED, "refused_our_message_we"),
    "alone": (WAITS, RECEIVED, RECEIVED, "signed_that_it_deleted_your"),
    "with_one": (WAITS, RECEIVED, RECEIVED, "signed_that_it_deleted_your"),
    "with_two": (WAITS, RECEIVED, RECEIVED, "signed_that_it_deleted_your"),
    "with_others": (WAITS, RECEIVED, RECEIVED, "signed_that_it_deleted_your"),
    "by_its_word": (WAITS, RECEIVED, RECEIVED, "signed_that_it_deleted_your"),
    "in_part": (WAITS, RECEIVED, RECEIVED, "signed_for_a_part"),
    # It went on: a newer order asks for what it owes now.
    "broken": (WAITS, RECEIVED, RECEIVED, LATE),
}
# By role and moment, from when it was told: how far its order is, as staff read it.
AT_THE_DESK = {
    "unsent": ("queued", "queued"),
    "dead": ("queued", "queued"),
    "homeless": ("queued", "queued"),
    "sent": ("sent", "sent"),
    "parked": ("parked", "parked"),
    "received": ("acknowledged", "acknowledged"),
    "begun": ("sent", "acknowledged"),
    "refused": ("acknowledged", "rejected"),
}
LOOKS = {
    "queued": ("warn", "waiting_to_be_sent"), "sent": ("plain", "sent_not_confirmed_yet"),
    "parked": ("warn", "held_back_we_are"), "acknowledged": ("plain", "received_by_the_partner"),
    "rejected": ("bad", "the_partner_refused"),
}  # fmt: skip
TRIED = {
    "dead": "no_connection", "homeless": "no_connection", "sent": "error 503", "begun": "error 503",
    "parked": "refused 400",
}  # fmt: skip


@pytest.fixture(scope="module")
def cast(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop of everything, said on the pages, about which its person wrote to us."""

    def build(market: Market) -> Cast:
        cast = a_cast(market, lambda cast: vars(cast).update(browser=stop_everything(cast.line)))
        asking = main(cast.browser, f"/help/ask/choice/{cast.choice.id}/")
        press(cast.browser, asking, "Send", message="They go on.")
        return cast

    yield from in_a_market(django_db_blocker, build)


class Desk(Browser):
    """Somebody of staff at a browser."""

    def __init__(self, role: str, name: str) -> None:
        super().__init__()
        self.client = staff(role, name=name).client


def of_cards(page: Part) -> dict[str, str]:
    """By company: what is read under "Now" on its card."""
    cards = page.all("article", of_class="card")
    return {card.one("h3").words: dict(card.pairs)[card.all("dt")[-1].words] for card in cards}


def of_partner(cast: Cast, say: Words, role: str, state: str) -> str:
    """How far it is, in a sentence; of one that signed in part, who below it has not."""
    missing = (
        f" {say.counted('missing', 1, names='Missing')} {say('one_unnamed')}" if state == "signed_for_a_part" else ""
    )
    return say(state, party=cast[role].name) + missing


def test_home_says_how_far_each_partner_is_and_no_more(cast: Cast) -> None:
    found: list[dict[str, dict[str, str]]] = []

    def look(after: timedelta) -> None:
        with cast.later(after):
            browser = signed_in(cast.line)
            found.append({language: of_cards(main(browser, "/home/", language)) for language in LANGUAGES})

    look(MINUTE)
    cast.told()
    look(5 * MINUTE)
    look(20 * MINUTE)
    cast.answered()
    look(3 * DAY)
    for moment, by_language in enumerate(found):
        for language, cards in by_language.items():
            say = Words(language)
            since = say("said_no_since", moment=say.moment(cast.made_at))
            assert cards == {
                cast.services[role].name: f"{since} {of_partner(cast, say, role, states[moment])}"
                for role, states in NOW.items()
            }


def of_desk(cast: Cast, say: Words, moment: int) -> list[str]:
    """What is read at the desk of the first eight partners that were told."""
    read = [say("what_partners_were_told")]
    orders = {order.party_id: order for order in Order.objects.filter(line_id=cast.line.pk)}
    for role, states in AT_THE_DESK.items():
        order, (look, words) = orders[cast[role].party.pk], LOOKS[states[moment]]
        read += [cast[role].name, f"({look}) {say(words)}", f"{say('queued')} {say.moment(cast.made_at)}"]
        tried_at = cast.tried_at.get(order.party_id)
        if tried_at and role not in {"dead", "homeless", "parked"}:
            read.append(f"{say('sent')} {say.moment(tried_at)}")
        if tried_at and role in TRIED:
            read.append(f"{say('try')} 1: {TRIED[role]}, {say.moment(tried_at)}")
        if states[moment] in {"acknowledged", "rejected"}:
            received = cast.signed_at["begun"] if role == "begun" else tried_at
            assert received
            read.append(f"{say('acknowledged')} {say.moment(received)}")
        if moment and role in {"begun", "refused"}:
            signed = say("begun_signed" if role == "begun" else "the_partner_refused")
            read.append(f"{signed}, {say.moment(cast.signed_at[role])}")
        due = cast.made_at + timedelta(days=20 if role == "received" else 10)
        read += [f"{say('to_be_signed_as')} {say.day(due)}", say("send_it_again")]
    return read


def test_the_desk_reads_what_partners_were_told(cast: Cast) -> None:
    code = Ticket.objects.get(line_id=cast.line.pk).code
    found: list[dict[str, list[str]]] = []

    def look(after: timedelta) -> None:
        with cast.later(after):
            agent = Desk("agent", f"agent-{after.days}")
            found.append({language: main(agent, f"/desk/{code}/", language).whole for language in LANGUAGES})

    cast.told()
    look(5 * MINUTE)
    cast.answered()
    look(3 * DAY)
    for moment, by_language in enumerate(found):
        for language, page in by_language.items():
            say = Words(language, EASTERN)
            start, end = page.index(say("what_partners_were_told")), page.index(say("suspension"))
            assert (moment, changes(of_desk(cast, say, moment), page[start:end])) == (moment, [])
    for language, page in found[0].items():
        say = Words(language, EASTERN)
        start, end = page.index(say("what_is_known")), page.index(say("what_partners_were_told"))
        assert changes(of_case(cast, say), page[start:end]) == []


def of_case(cast: Cast, say: Words) -> list[str]:
    """What is known of the case besides: its clocks, its person, masked, and the choice."""
    ticket, receipt = Ticket.objects.get(line_id=cast.line.pk), ChoiceReceipt.objects.get(choice_id=cast.choice.id)
    return [
        say("what_is_known"), say("clocks"), say("answer_due"), say.moment(ticket.due_at),
        say("opened"), say.moment(ticket.opened_at), say("whose"), say("nobodys"),
        say("the_person"), say("line_of_its_account"), say("see_whose_it_is"), say("stop_for_them"),
        say("what_it_is_about"), say("choice"), say("a_stop"), say("about"), say("all_sharing"),
        say("made"), say.moment(cast.made_at), say("receipt_label"), receipt.number,
        say("proof_that_they_agreed"), say("ask_the_partner_for"),
    ]  # fmt: skip


# By role: how its newest order reads in the console once everybody answered, and what was noted of it.
IN_THE_CONSOLE = {
    "unsent": ("warn", "o_queued", ""),
    "dead": ("warn", "o_queued", "ConnectionError"),
    "homeless": ("warn", "o_queued", "no address is known"),
    "sent": ("warn", "o_sent", "answered 503"),
    "parked": ("bad", "o_parked", "invalid_request: no such subject"),
    "received": ("good", "o_acknowledged", ""),
    "begun": ("good", "o_acknowledged", ""),
    "refused": ("bad", "o_rejected", "Not our customer, ask <b>another</b>"),
    "alone": ("good", "o_completed", ""),
    "with_one": ("good", "o_completed", ""),
    "with_two": ("good", "o_completed", ""),
    "with_others": ("good", "o_completed", ""),
    "by_its_word": ("good", "o_completed", ""),
    "in_part": ("warn", "o_partial", "1 of 2 companies below have not signed; one company we can't name"),
    "broken": ("warn", "o_queued", ""),
}
OUTCOMES = {
    "dead": "no_connection", "homeless": "no_connection", "sent": "error (HTTP 503)", "begun": "error (HTTP 503)",
    "parked": "refused (HTTP 400)",
}  # fmt: skip
SIGNED = {
    "begun": "in_progress", "refused": "rejected", "alone": "completed", "with_one": "completed",
    "with_two": "completed", "with_others": "completed", "by_its_word": "completed", "in_part": "completed",
}  # fmt: skip
ITSELF, BY_ITS_WORD, NOT = "o_signed_by_itself", "o_reported", "o_has_not_signed"
BELOW = {
    "with_one": (("Five", ITSELF), ("Juniper Maps", ITSELF)),
    "with_two": (("Kelp Maps", ITSELF), ("Two", ITSELF)),
    "with_others": (("Laurel Maps", ITSELF), ("Three", ITSELF), ("Four", BY_ITS_WORD)),
    "by_its_word": (("Five", BY_ITS_WORD), ("Four", BY_ITS_WORD)),
    "in_part": (("Missing", NOT), ("", "o_unnamed_has_not"), ("Nettle Maps", ITSELF)),
}


def stamp(at: datetime, form: str = "%-d %b %Y, %H:%M:%S") -> str:
    """A moment as the console writes it."""
    return f"{at.astimezone(UTC):{form}}"


def of_order(cast: Cast, say: Words, role: str, order: Order) -> list[str]:
    """An order's page, but for what it says and for the tokens."""
    look, words, note = IN_THE_CONSOLE[role]
    version = "1.2" if role == "broken" else "1.1"
    tried_at = None if role == "broken" else cast.tried_at.get(order.party_id)
    told_at = None if role in {"dead", "homeless", "parked"} else tried_at
    received_at = {"sent": None, "begun": cast.signed_at["begun"]}.get(role, told_at)
    signed_at = cast.signed_at[role] if SIGNED.get(role) == "completed" else None
    sub = PairwiseSubject.objects.get(party_id=order.party_id, line_id=cast.line.pk).sub
    asked_at = order.queued_at if role == "broken" else cast.made_at
    due = stamp(asked_at + timedelta(days=20 if role == "received" else 10), "%-d %b %Y, %H:%M")
    held = say("o_whose_move_us", moment=stamp(tried_at + timedelta(hours=1), "%-d %b, %H:%M")) if tried_at else ""
    lead = say("o_contract_and_line", contract=cast[role].contract.ref, sub=sub)
    return [
        say("o_sent_to", name=cast[role].name), say("o_stop", version=version), f"({look}) {say(words)}",
        *([held] if role == "parked" else []), f"{lead} {note}".strip(),
        say("o_states"), say("o_step_queued", at=stamp(asked_at)),
        say("o_step_sent", at=stamp(told_at)) if told_at else f"(todo) {say('o_not_sent')}",
        say("o_step_acknowledged", at=stamp(received_at)) if received_at else f"(todo) {say('o_not_acknowledged')}",
        say("o_step_signed", at=stamp(signed_at)) if signed_at else f"(todo) {say('o_signature_due', at=due)}",
        say("o_attempts"), *attempts(say, role, tried_at, note),
        say("o_what_was_signed"),
        *([f"{stamp(cast.signed_at[role])}: {SIGNED[role]}"] if role in SIGNED else [say("o_no_receipt")]),
        *([say("o_below")] if role in BELOW else []),
        *(line for name, how in BELOW.get(role, ()) for line in below(cast, say, role, name, how)),
    ]  # fmt: skip


def below(cast: Cast, say: Words, role: str, name: str, how: str) -> list[str]:
    """A company below it, and what it signed, or that it did not."""
    uri = f"https://{name.replace(' ', '').lower()}.example"
    day = stamp(cast.signed_at[role], "%-d %b %Y")
    return say(how, name=name, uri=uri, status="completed", day=day).replace(" (bad)", "\n(bad)").split("\n")


def attempts(say: Words, role: str, tried_at: datetime | None, note: str) -> list[str]:
    """The one try, and what was answered where that was no 202."""
    if tried_at is None:
        return [say("o_not_tried")]
    answered = "answered 503" if role in {"sent", "begun"} else note if role in OUTCOMES else ""
    tried = f"1. {stamp(tried_at)}: {OUTCOMES.get(role, 'acknowledged (HTTP 202)')}"
    return [tried, *([say("o_it_answered", detail=answered)] if answered else [])]


def without_tokens(page: Part) -> list[str]:
    """All but what was signed word for word."""
    read = without(page, *page.all("pre")).whole
    return [line for line in read if line not in {"The exact token", "Opened", "What it says"}]


def test_the_console_reads_each_order_with_its_states_tries_and_receipts(cast: Cast) -> None:
    say = Words("en")
    cast.told()
    cast.answered()
    with cast.later(3 * DAY):
        officer = staff(name="later")
        for role in IN_THE_CONSOLE:
            order = Order.objects.filter(line_id=cast.line.pk, party_id=cast[role].party.pk).latest("queued_at")
            path = f"/admin/streams/{order.party_id}/orders/{order.id}/"
            page = read(officer.client.post(path, {"kind": "call", "reason": "They called."}).content.decode()).one(
                "main"
            )
            assert (role, changes(of_order(cast, say, role, order), without_tokens(page))) == (role, [])


def test_the_console_lists_what_was_sent_to_a_partner_and_how_it_receives(cast: Cast) -> None:
    cast.told()
    cast.answered()
    say = Words("en")
    with cast.later(3 * DAY):
        officer = Desk("officer", "later still")
        timeline = main(officer, f"/admin/streams/{cast['broken'].party.pk}/")
        elm = main(officer, f"/admin/streams/{cast['parked'].party.pk}/")
        streams = main(officer, "/admin/streams/").one("table").rows
        for role in ("in_part", "received", "refused"):
            (row,) = main(officer, f"/admin/streams/{cast[role].party.pk}/").one("table").rows[1:]
            _, words, note = IN_THE_CONSOLE[role]
            tried_at = cast.tried_at[cast[role].party.pk]
            due = f"due {stamp(cast.made_at + timedelta(days=20 if role == 'received' else 10), '%-d %b %Y')}"
            signed = stamp(cast.signed_at[role]) if role == "in_part" else due
            assert row == [
                "Stop 1.1", cast[role].contract.ref, f"{say(words)} {note}".strip(), stamp(cast.made_at),
                stamp(tried_at), stamp(tried_at), signed, "1",
            ]  # fmt: skip
    newer = Order.objects.filter(party_id=cast["broken"].party.pk).latest("queued_at")
    told_at = cast.tried_at[cast["broken"].party.pk]
    broken, first = cast["broken"].contract.ref, stamp(told_at)
    assert timeline.one("table").rows[1:] == [
        [
            "Stop 1.2", broken, say("o_queued"), stamp(newer.queued_at), "–", "–",
            f"due {stamp(newer.queued_at + timedelta(days=10), '%-d %b %Y')}", "0",
        ],
        [
            "Stop 1.1", broken, f"{say('o_contradicted')} used again after it was signed as done",
            stamp(cast.made_at), first, first, stamp(cast.signed_at["broken"]), "1",
        ],
    ]  # fmt: skip
    held = stamp(cast.tried_at[cast["parked"].party.pk] + timedelta(hours=1), "%-d %b, %H:%M")
    assert elm.one("table").rows[1:] == [[
        "Stop 1.1", cast["parked"].contract.ref,
        f"{say('o_parked')} {say('o_whose_move_us', moment=held)} invalid_request: no such subject",
        stamp(cast.made_at), "–", "–", f"due {stamp(cast.made_at + timedelta(days=10), '%-d %b %Y')}", "1",
    ]]  # fmt: skip
    for page, span in ((timeline, "2 days, 23 hours"), (elm, "2 days, 23 hours")):
        head = page.whole[: page.whole.index("What")]
        name = cast["broken"].name if page is timeline else cast["parked"].name
        assert head == [
            say("o_streams"), say("o_sent_to", name=name), f"(bad) {say('o_silent')}",
            f"{say('o_nothing_for_a_day')} {say('o_waiting_since', n=1, span=span)}",
            "Resend newest Recover since Pause", "Receives by", "push", "Stream", "none made", "Breaker", "closed",
            "Last verified", "never",
        ]  # fmt: skip
    waiting = {"unsent", "dead", "homeless", "sent", "parked", "broken"}
    assert streams[1:] == [
        [
            f"{cast[role].name} {cast[role].party.uri}",
            f"{say('o_silent')} {say('o_nothing_for_a_day')}" if role in waiting
            else f"{say('o_not_verified')} {say('o_no_stream')}",
            "push", "2 days" if role in waiting else "–", "1" if role in waiting else "–", "closed", "never",
        ]
        for role in NOW
    ]  # fmt: skip
