"""What a person reads of a stop, held against what its partners did: no page is ahead of them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from accounts.models import Line
from consent.models import ChoiceOrder
from revocations.models import Order
from tests.machine.aggregators import Aggregator
from tests.machine.carrier import Carrier
from tests.machine.facts import Tenure
from tests.people import Browser, sign_in
from tests.words.expected import Words
from tests.words.pages import Part, main

SAY = Words("en")
PAGES = ("/home/", "/history/", "/choices/", "/access-log/", "/access-log/companies/")
COUNTS = ("waiting", "received", "signed", "in_part", "looked_into")


class Deeds:
    """What the partner of one order has done with it, or with a newer one that carries on what it asked."""

    def __init__(self, aggregator: Aggregator, order: Order, orders: Iterable[Order]) -> None:
        self.name = aggregator.name
        later = {
            one.jti
            for one in orders
            if (one.line_id, one.contract_id) == (order.line_id, order.contract_id)
            and (one.epoch, one.version) >= (order.epoch, order.version)
        }
        word = [one for one in aggregator.signed if one.order in later]
        self.has_signed = any(one.status == "completed" for one in word)
        self.has_received = bool(word) or bool(later & aggregator.acknowledged)
        self.was_told = self.has_received or bool(later & aggregator.heard)


def deeds_of(carrier: Carrier, tenure: Tenure, choice_id: UUID) -> list[Deeds]:
    """By partner told of a choice."""
    orders = list(Order.objects.filter(line_id=tenure.pk))
    named = ChoiceOrder.objects.filter(line_id=tenure.pk, choice_id=choice_id).values_list("order_id", flat=True)
    by_party = {one.party.pk: one for one in carrier.aggregators.values()}
    return [Deeds(by_party[one.party_id], one, orders) for one in orders if one.id in set(named)]


def read_link(carrier: Carrier, tenure: Tenure, choice_id: UUID, link: str) -> str:
    """The page for whoever has the link: how many companies stand where. Returns what it says."""
    page = main(Browser(), link)
    deeds = deeds_of(carrier, tenure, choice_id)
    said = {label: int(number) for label, number in page.pairs}
    if not deeds:
        assert SAY("nobody_to_tell") in page.lines
        return "nobody to tell"
    counts = {name: said.pop(SAY(f"count_{name}"), 0) for name in COUNTS}
    assert said == {SAY("concerns"): len(deeds)}
    assert sum(counts.values()) == len(deeds), counts
    signed, received = sum(one.has_signed for one in deeds), sum(one.has_received for one in deeds)
    assert counts["signed"] + counts["in_part"] <= signed, (counts, signed)
    assert counts["signed"] + counts["in_part"] + counts["received"] <= received, (counts, received)
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def read_choice(carrier: Carrier, tenure: Tenure, choice_id: UUID, line: Line) -> str:
    """The page of a choice, for its person. Returns the tag of each partner."""
    page = main(sign_in(line), f"/choices/{choice_id}/")
    cards = [one for one in page.all("article") if one.all("h3")]
    deeds = deeds_of(carrier, tenure, choice_id)
    assert sorted(card.one("h3").words for card in cards) == sorted(one.name for one in deeds)
    for name in carrier.aggregators:
        _read_cards([one for one in cards if one.one("h3").words == name], [one for one in deeds if one.name == name])
    return "; ".join(f"{one.one('h3').words}: {one.one(of_class='tag').words}" for one in cards) or "nobody to tell"


@contextmanager
def that_stay_the_same(line: Line) -> Iterator[None]:
    """What happens meanwhile shows on none of its person's pages."""
    browser = sign_in(line)
    before = {path: main(browser, path).lines for path in PAGES}
    yield
    assert {path: main(browser, path).lines for path in PAGES} == before


def _read_cards(cards: Sequence[Part], deeds: Sequence[Deeds]) -> None:
    """Those of one partner, one for each agreement: no more of them claim something than is so."""
    names = {one.name for one in deeds}
    signed = {SAY("tag_deleted"), SAY("tag_in_part")}
    signed |= {SAY(claim, party=name) for claim in ("deletion_signed", "use_signed") for name in names}
    signed |= {SAY("deletion_signed_of", party=name, names="…").partition("…")[0] for name in names}
    said = sum(any(claim in card.words for claim in signed) for card in cards)
    assert said <= sum(one.has_signed for one in deeds), [card.words for card in cards]
    assert _done(cards, "received") <= sum(one.has_received for one in deeds), [card.words for card in cards]
    assert _done(cards, "told_at", "already_told") <= sum(one.was_told for one in deeds), [card.words for card in cards]


def _done(cards: Sequence[Part], *steps: str) -> int:
    """How many of them say that a step is done."""
    words = tuple(SAY(step, at="").strip() for step in steps)
    return sum(any(step.words.startswith(words) for step in card.all("li", of_class="done")) for card in cards)
