"""Promise 4: an order arrives, with the worker killed in the middle of delivering it and the broker emptied."""

from threading import Event

from tests.faults.programs import until
from tests.feeds import LINK
from tests.promises.through_the_doors.product import Partner, Product
from tests.promises.through_the_doors.road import Pushed

# A worker's lease on an order, and the wait after a first try that failed, are over then.
LATER_S = 60
WITHIN_S = 60


def carried_out(partner: Partner, orders: set[str]) -> dict[str, int]:
    """How often a partner carried each of these orders out: it makes a receipt each time."""
    made = [str(receipt["order"]) for receipt in partner.get("/receipts")]
    return {order: made.count(order) for order in orders}


def test_a_worker_killed_while_the_partner_thinks_and_an_emptied_broker_lose_no_order(product: Product) -> None:
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


def test_what_was_stopped_while_broker_and_worker_were_dead_is_told_by_the_worker_alone(product: Product) -> None:
    lines = [product.next_line() for _ in range(2)]
    came = {uri: len(partner.road.pushed) for uri, partner in product.partners.items()}
    with product.without(product.broker, product.worker):
        for line in lines:
            product.stops_all(line)
    for partner in product.partners.values():
        takes_each_once(partner, since=came[partner.uri], orders=len(lines))


def takes_each_once(partner: Partner, *, since: int, orders: int) -> None:
    """Wait until a partner was pushed so many orders since, and has carried out each of them once."""
    until(lambda: len(partner.road.pushed) >= since + orders, WITHIN_S)
    told = {str(one.claims["jti"]) for one in partner.road.pushed[since:]}
    assert len(told) == orders
    until(lambda: carried_out(partner, told) == dict.fromkeys(told, 1), WITHIN_S)
