"""Promise 6: the pages say of each company what it has done so far, as it does it, and never more."""

from dataclasses import dataclass

from tests.faults.programs import until
from tests.feeds import BRIDGE, LINK
from tests.promises.through_the_doors.browser import Browser, Page, counts
from tests.promises.through_the_doors.product import Product
from tests.words.expected import Words

WITHIN_S = 60
# Longer than an order waits after its first few tries.
LATER_S = 600
say = Words("en")


@dataclass(frozen=True)
class State:
    """How far a company is: what its card says, what home says, and what it is counted as behind the link."""

    card: str
    home: str
    counted: str


QUEUED = State("Waiting to send", "Our message to {} is waiting to be sent.", say("count_waiting"))
SENT = State("Sent, no answer yet", "We sent our message to {}. It has not answered yet.", say("count_waiting"))
RECEIVED = State(
    "Received, deletion not yet signed",
    "{} received our message. It has not yet signed that it deleted your data.",
    say("count_received"),
)
SIGNED = State("Signed: deleted", "{} signed that it deleted your data.", say("count_signed"))
IN_PART = State("Signed in part", "{} signed for part of it.", say("count_in_part"))
ALL = (QUEUED, SENT, RECEIVED, SIGNED, IN_PART)
ALWAYS_COUNTED = (QUEUED, RECEIVED, SIGNED)


def cards(page: Page) -> dict[str, set[str]]:
    """What the page of a choice says of each company: an agreement with it has a card of its own."""
    found: dict[str, set[str]] = {}
    for card in page.main.all("article"):
        name, tag = (one.words for one in card.one("header").children if not isinstance(one, str))
        found.setdefault(name, set()).add(tag)
    return found


class Person:
    """Somebody who stopped, with the link of the stop, and signed in besides."""

    def __init__(self, product: Product) -> None:
        line = product.next_line()
        self.browser: Browser = product.signs_in(line)
        self.link = product.stops_all(line).url
        self.choice = self.browser.get("/choices/").links("/choices/")[0]

    def sees(self) -> str:
        return "\n".join(self.browser.get(path).words for path in (self.choice, "/home/", self.link))

    def reads(self, bridge: State, link: State) -> bool:
        """Whether all pages say this of the two companies, and nothing else."""
        said, home = cards(self.browser.get(self.choice)), self.browser.get("/home/").words
        told = counts(self.browser.get(self.link))
        # There may be several agreements with GeoBridge, and each is told.
        agreements = told.pop(say("concerns"))
        expected = dict.fromkeys((state.counted for state in ALWAYS_COUNTED), 0)
        for state, number in ((bridge, agreements - 1), (link, 1)):
            expected[state.counted] = expected.get(state.counted, 0) + number
        of_home = {
            name: [state for state in ALL if state.home.format(name) in home] for name in ("Geobridge", "Northlink")
        }
        return (said, told, of_home) == (
            {"Geobridge": {bridge.card}, "Northlink": {link.card}},
            expected,
            {"Geobridge": [bridge], "Northlink": [link]},
        )


def test_each_state_of_a_partner_is_read_as_it_is(product: Product) -> None:
    bridge, link = product.partners[BRIDGE], product.partners[LINK]
    # What they sign they keep to themselves for now.
    for partner in (bridge, link):
        partner.fault("drop-receipt")
    with bridge.road.otherwise(lambda _: 503):
        with product.while_it_sleeps(product.worker):
            person = Person(product)
            assert person.reads(QUEUED, QUEUED), person.sees()
        until(lambda: person.reads(SENT, RECEIVED), WITHIN_S, person.sees)
    product.later(LATER_S, "sweep_revocations")
    assert person.reads(RECEIVED, RECEIVED), person.sees()
    bridge.fault("none")
    until(lambda: person.reads(SIGNED, RECEIVED), WITHIN_S, person.sees)
    link.fault("none")
    until(lambda: person.reads(SIGNED, IN_PART), WITHIN_S, person.sees)
    assert "1 company that gets data from it has not signed: Securetrack." in person.browser.get(person.choice).words
