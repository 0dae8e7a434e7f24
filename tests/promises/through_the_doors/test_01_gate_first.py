"""Promise 1: from the answer to the click on, the gate says no, whoever else is down."""

import time
from threading import Event, Thread

from tests.faults.programs import until
from tests.feeds import ROAD
from tests.promises.through_the_doors.browser import Page
from tests.promises.through_the_doors.files import ROADSIDE, TRACKING, Line
from tests.promises.through_the_doors.product import Product


class Gateway(Thread):
    """A gateway that asks about one line again and again. `told`: when each question went out, and its answer."""

    def __init__(self, product: Product, line: Line) -> None:
        super().__init__()
        self._product, self._line, self._enough = product, line, Event()
        self.told: list[tuple[float, str]] = []

    def run(self) -> None:
        while not self._enough.is_set():
            asked = time.monotonic()
            self.told.append((asked, self._product.answers(self._line)))

    def end(self) -> None:
        self._enough.set()
        self.join()


def test_nothing_is_allowed_after_the_click_with_broker_dead(product: Product) -> None:
    line = product.next_line()
    gateway = Gateway(product, line)
    with product.without(product.broker, product.worker, *product.partner_programs):
        gateway.start()
        until(lambda: len(gateway.told) > 0, 30)
        page = product.stops_all(line)
        clicked = time.monotonic()
        for _ in range(20):
            assert product.answers(line) == "stopped_all"
        gateway.end()
    assert page.status == 200
    before = {answer for asked, answer in gateway.told if asked < clicked}
    after = {answer for asked, answer in gateway.told if asked >= clicked}
    assert (before - {"stopped_all"}, after) == ({"allowed"}, {"stopped_all"})


def test_every_way_to_stop_is_in_force_in_the_answer(product: Product) -> None:
    line = product.next_line()
    browser = product.signs_in(line)
    (company,) = [path for path in browser.get("/home/").links("/companies/") if ROAD in browser.get(path).text][:1]

    def after(page: Page, action: str, **data: str) -> tuple[str, str]:
        browser.send(page.form(action, **data))
        return product.answers(line, ROADSIDE), product.answers(line, TRACKING)

    def allow() -> None:
        asked = browser.get("/choices/allow/?campaign=CMP-road")
        browser.send(asked.form("/choices/allow/"))
        assert product.answers(line, ROADSIDE) == "allowed"

    stop, use, party = "/choices/stop/", {"scope": "campaign", "ref": "CMP-road"}, {"scope": "party", "ref": ROAD}
    assert after(browser.get(f"/choices/pause/?scope=party&ref={ROAD}"), "/choices/pause/") == ("paused", "allowed")
    allow()
    assert after(browser.get(company), stop, **use) == ("stopped_campaign", "allowed")
    allow()
    assert after(browser.get(company), stop, scope="purpose") == ("stopped_purpose", "allowed")
    allow()
    assert after(browser.get(company), stop, **party) == ("stopped_party", "allowed")
    allow()
    assert after(browser.get("/home/"), "/choices/dispute/", **use) == ("stopped_campaign", "allowed")
    allow()
    assert after(browser.get("/choices/pause/"), "/choices/pause/") == ("paused", "paused")
    assert after(browser.get("/home/"), stop, scope="all") == ("stopped_all", "stopped_all")
