"""Promise 4: an order arrives, with the worker killed in the middle of delivering it and the broker emptied."""

from functools import partial
from threading import Event

from tests.faults.programs import until
from tests.feeds import LINK
from tests.promises.through_the_doors.browser import counts
from tests.promises.through_the_doors.product import Partner, Product
from tests.promises.through_the_doors.road import Pushed
from tests.words.expected import Words

# A worker's lease on an order, and the wait after a first try that failed, are over then.
LATER_S = 60
WITHIN_S = 60
say = Words("en")


def carried_out(partner: Partner, orders: set[str]) -> dict[str, int]:
    """How often a partner carried each of these orders out: it makes a receipt each time."""
    made = [str(receipt["order"]) for receipt in partner.get("/receipts")]
    return {order: made.count(order) for order in orders}


def test_a_killed_worker_and_an_emptied_broker_lose_nothing(product: Product) -> None:
    line, partner, dead = product.next_line(), product.partners[LINK], Event()

    def dies(_: Pushed) -> int:
        product.worker.kill()
        dead.set()
        return 202

    with partner.road.otherwise(dies) as pushed:
        page = product.stops_all(line)
        assert dead.wait(WITHIN_S)
    product.broker.kill()
    product.broker.start()
    product.broker.wait()
    (lost,) = pushed
    order = str(lost.claims["jti"])
    assert (page.status, carried_out(partner, {order})) == (200, {order: 0})
    product.worker.start()
    product.later(LATER_S, "sweep_revocations")
    until(lambda: carried_out(partner, {order}) == {order: 1}, WITHIN_S)
    assert [one["version"] for one in partner.get("/state") if one["jti"] == order] == [1]


def test_what_waited_at_an_emptied_broker_is_told(product: Product) -> None:
    came = {uri: len(partner.road.pushed) for uri, partner in product.partners.items()}
    with product.while_it_sleeps(product.worker):
        product.cut_broker_off()
        stops = [product.stops_all(product.next_line()) for _ in range(2)]
        product.empty_broker()
    for page in stops:
        waiting = counts(page)
        assert waiting[say("count_waiting")] == waiting[say("concerns")] >= len(product.partners)
        until(partial(all_have_signed, product, page.url), WITHIN_S)
    for uri, partner in product.partners.items():
        orders = {str(push.claims["jti"]) for push in partner.road.pushed[came[uri] :]}
        assert set(carried_out(partner, orders).values()) == {1}


def all_have_signed(product: Product, link: str) -> bool:
    """Whether whoever holds the link of a stop reads that every company has signed, be it in part."""
    told = counts(product.browser().get(link))
    return told[say("count_signed")] + told.get(say("count_in_part"), 0) == told[say("concerns")]
