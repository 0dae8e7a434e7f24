"""Promise 5: a partner ends right, in whatever order and however often our orders reach it."""

from itertools import permutations

from tests.faults.programs import until
from tests.feeds import LINK, TRACK
from tests.promises.through_the_doors.files import TRACKING
from tests.promises.through_the_doors.product import Partner, Product

WITHIN_S = 60


def standing(partner: Partner, sub: str) -> tuple[int, list[object]]:
    """The newest version that a partner knows of about somebody, and what it takes to be allowed."""
    (found,) = [one for one in partner.get("/state") if one["sub"] == sub]
    return found["version"], found["allowed"]


def test_a_partner_ends_stopped_however_its_orders_are_mixed(product: Product) -> None:
    line, partner = product.next_line(), product.partners[LINK]
    browser = product.signs_in(line)
    # Our pushes are taken on the way, and kept for later.
    with partner.road.otherwise(lambda _: 202) as pushed:
        began = len(partner.road.pushed)

        def told(n: int) -> None:
            until(lambda: len(partner.road.pushed) == began + n, WITHIN_S)

        browser.send(browser.get("/home/").form("/choices/stop/", scope="all"))
        told(1)
        browser.send(browser.get("/choices/allow/?campaign=CMP-track").form("/choices/allow/"))
        told(2)
        assert product.answers(line, TRACKING) == "allowed"
        browser.send(browser.get("/home/").form("/choices/stop/", scope="party", ref=TRACK))
        told(3)
    assert [one.version for one in pushed] == [1, 2, 3]
    sub = str(pushed[0].claims["sub_id"]["sub"])
    for mixed in permutations(pushed):
        partner.fault("forget")
        partner.fault("none")
        for push in (*mixed, *mixed):
            assert partner.road.pass_on(push) == 202
        assert standing(partner, sub) == (3, [])
    # Each by itself is what the person had said by then.
    for push, allowed in zip(pushed, (0, 1, 0), strict=True):
        partner.fault("forget")
        partner.fault("none")
        partner.road.pass_on(push)
        version, uses = standing(partner, sub)
        assert (version, len(uses)) == (push.version, allowed)


def test_no_late_allow_is_told_after_a_newer_stop(product: Product) -> None:
    line, partner = product.next_line(), product.partners[LINK]
    browser = product.signs_in(line)
    browser.send(browser.get("/home/").form("/choices/stop/", scope="all"))
    began = len(partner.road.pushed)
    with partner.road.otherwise(lambda _: 503) as refused:
        browser.send(browser.get("/choices/allow/?campaign=CMP-track").form("/choices/allow/"))
        until(lambda: len(partner.road.pushed) > began, WITHIN_S)
        browser.send(browser.get("/home/").form("/choices/stop/", scope="party", ref=TRACK))
    product.later(WITHIN_S, "sweep_revocations")
    newest = max(one.version for one in partner.road.pushed[began:])
    late = [one.version for one in partner.road.pushed[began + len(refused) :]]
    assert (newest, set(late)) == (3, {3})
    assert standing(partner, str(refused[0].claims["sub_id"]["sub"])) == (3, [])
