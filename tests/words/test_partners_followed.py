"""How far each partner is with a stop of everything: on home, on companies' pages, at the desk, in the console."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import DjangoDbBlocker

from revocations.models import Order
from support.models import Ticket
from tests.clocks import Clock
from tests.people import signed_in
from tests.support.officers import staff
from tests.words.exact import as_before
from tests.words.pages import main, press
from tests.words.partners import Market
from tests.words.scripts import Desk
from tests.words.worlds import DAY, MINUTE, NAMES, Cast, a_cast, in_a_market, stop_everything

pytestmark = pytest.mark.usefixtures("db", "clock")


@pytest.fixture(scope="module")
def cast(standing: Clock, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """A stop of everything, said on the pages, about which its person wrote to us."""

    def build(market: Market) -> Cast:
        cast = a_cast(market, standing, lambda cast: vars(cast).update(browser=stop_everything(cast.line)))
        asking = main(cast.browser, f"/help/ask/choice/{cast.choice.id}/")
        press(cast.browser, asking, "Send", message="They go on.")
        return cast

    yield from in_a_market(django_db_blocker, build)


def test_home_and_desk_say_how_far_each_partner_is(cast: Cast) -> None:
    desk = f"/desk/{Ticket.objects.get(line_id=cast.line.pk).code}/"

    def look(title: str, after: timedelta, *, at_the_desk: bool = True) -> None:
        with cast.later(after):
            pages.look(f"home {title}", signed_in(cast.line), "/home/")
            if at_the_desk:
                pages.look(f"desk {title}", Desk(staff("agent", name=f"agent {title}")), desk)

    with as_before("partners_followed") as pages:
        look("before it is told", MINUTE, at_the_desk=False)
        cast.told()
        look("told", 5 * MINUTE)
        look("told a while ago", 20 * MINUTE, at_the_desk=False)
        cast.answered()
        look("answered", 3 * DAY)


def test_the_console_reads_each_order(cast: Cast) -> None:
    cast.told()
    cast.answered()
    with as_before("partners_followed_in_the_console") as pages, cast.later(3 * DAY):
        officer = staff(name="later")
        pages.look("streams", Desk(officer), "/admin/streams/")
        for role, name in NAMES.items():
            order = Order.objects.filter(line_id=cast.line.pk, party_id=cast[role].party.pk).latest("queued_at")
            path = f"/admin/streams/{order.party_id}/"
            pages.look(f"sent to {name}", Desk(officer), path)
            answer = officer.client.post(f"{path}orders/{order.id}/", {"kind": "call", "reason": "They called."})
            pages.keep(f"its order, to {name}", answer.content.decode(), but=("pre",))
