"""A person's lines and what may be done with each; who looked at a line and what they did; who asked, day by day."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Line
from audit.models import AuditEvent
from consent.actions import choices
from revocations.models import Order
from tests.factories import a_campaign, a_line, an_approval
from tests.people import number_of, sign_in_by_code, signed_in
from tests.support.desk import asks
from tests.support.officers import staff
from tests.words.exact import as_before
from tests.words.expected import PACIFIC
from tests.words.lives import AID, ASH, Life
from tests.words.pages import main, press
from tests.words.partners import Market

pytestmark = pytest.mark.usefixtures("db", "clock")


def test_each_line_says_whose_it_is_and_how_it_stands(market: Market) -> None:
    holder, child = a_line(account="FAM"), Life.begin(market, role="minor", account="FAM")
    a_line(role="user", account="FAM")
    child.agrees()
    parent, kid = signed_in(holder), signed_in(child.line)
    home = f"/home/?line={child.line.public_id}"
    with as_before("lines_of_a_family") as pages:

        def look(state: str) -> None:
            pages.look(f"the holder's lines, {state}", parent, "/lines/", of="holder")
            pages.look(f"the child's lines, {state}", kid, "/lines/", of="child")

        look("on")
        press(parent, main(parent, home), "Stop all sharing")
        look("off")
        ref = market.partners[ASH].campaign.ref
        page = main(parent, f"/choices/allow/?campaign={ref}&line={child.line.public_id}")
        press(parent, page, f"Allow {AID}", days="")
        look("partly off")
        pages.look("the child's home, as the holder reads it", parent, home)
        pages.look("the child's home", kid, "/home/")


def test_whoever_looks_after_a_line_reads_what_they_may(market: Market) -> None:
    life = Life.begin(market, role="user")
    owner = signed_in(life.line)
    with as_before("lines_looked_after") as pages:
        for may in ("see", "stop", "both"):
            friend = a_line()
            other, last_day = signed_in(friend), life.now.astimezone(PACIFIC).date() + timedelta(days=20)
            asking = {"number": number_of(friend), "may": may, "day": last_day.isoformat()}
            press(owner, main(owner, "/lines/delegates/"), "Ask them", **asking)
            pages.look(f"asked to {may}", other, "/lines/", of=may)
            links = main(other, "/lines/").all("a", of_class="button")
            path = next(one.attributes["href"] for one in links if one.words == "Read the request and answer")
            press(other, main(other, path), "Yes, I'll help")
            pages.look(f"{may}: taken on", other, "/lines/", of=may)


def test_a_child_who_helps_reads_which_line_is_whose(market: Market) -> None:
    owner, child = a_line(), a_line(account="FAM", role="minor")
    asking, kid = signed_in(owner), signed_in(child)
    last_day = timezone.now().astimezone(PACIFIC).date() + timedelta(days=20)
    wanted = {"number": number_of(child), "may": "both", "day": last_day.isoformat()}
    press(asking, main(asking, "/lines/delegates/"), "Ask them", **wanted)
    (link,) = [
        one for one in main(kid, "/lines/").all("a", of_class="button") if one.words == "Read the request and answer"
    ]
    press(kid, main(kid, link.attributes["href"]), "Yes, I'll help")
    (switch,) = main(kid, "/home/").all("nav", of_class="switch")
    whose = [one.words.partition(" · ")[2] for one in switch.all("li")]
    assert sorted(whose) == ["", "you", "you help"]


def test_the_log_has_everybody_with_what_they_did_and_why(market: Market) -> None:
    life = Life.begin(market)
    life.agrees()
    life.looked(3)
    ash, person, officer = market.partners[ASH], signed_in(life.line), staff()
    press(person, main(person, "/home/"), "Stop all sharing")
    ash.is_told()
    ash.signs()
    order = Order.objects.get(line_id=life.line.pk)
    seen = officer.client.post(
        f"/admin/streams/{ash.party.pk}/orders/{order.id}/", {"kind": "call", "reason": "They called."}
    )
    assert seen.status_code == 200
    person.get("/history/download.csv")
    call_command("export_line", life.line.carrier_id, stdout=StringIO(), reason="A judge asked.")
    sign_in_by_code(life.line)
    with as_before("the_log") as pages:
        pages.look("log", person, "/access-log/")


def looks_of_the_holder(child: Line) -> int:
    """How often the child's log says that the account holder looked."""
    visits = main(signed_in(child), "/access-log/").one("ul", of_class="log").all("li")
    told = [(visit.lines[0], visit.lines[-1]) for visit in visits]
    return told.count(("The account holder", "Looked at this line's pages"))


def test_a_child_reads_what_its_parent_read_in_forms() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign()
    an_approval(child, campaign)
    stopped = choices.stop(line_id=child.pk, scope="all", actor="subscriber:0", channel="web").choice_id
    asked = asks(signed_in(holder), f"/help/write/?line={child.public_id}")
    forms: list[tuple[str, dict[str, str]]] = [
        (f"/choices/{stopped}/receipt/mail/", {"to": "no address"}),
        ("/choices/allow/", {"campaign": campaign.ref, "days": "none", "line": str(child.public_id)}),
        ("/choices/pause/", {"scope": "campaign", "ref": campaign.ref, "length": "", "line": str(child.public_id)}),
        (f"/help/{asked.code}/reply/", {}),
    ]
    for path, wrong in forms:
        before = looks_of_the_holder(child)
        parent = signed_in(holder)
        for _ in range(2):
            assert parent.post(path, wrong).status_code in {200, 400}, path
        assert looks_of_the_holder(child) == before + 1, path
    before, parent = looks_of_the_holder(child), signed_in(holder)
    assert parent.get(f"/help/{asked.code}/").status_code == 200
    assert looks_of_the_holder(child) == before + 1
    # A form that only leads on has shown nothing.
    assert signed_in(holder).post("/stop/all/", {"line": str(child.public_id)}).status_code == 302
    assert looks_of_the_holder(child) == before + 1


def test_a_child_reads_each_time_that_the_account_holder_looked() -> None:
    holder, child, now = a_line(account="A-1"), a_line(account="A-1", role="minor"), timezone.now()
    stopped = choices.stop(line_id=child.pk, scope="all", actor="subscriber:0", channel="web").choice_id
    of_child, pages = f"?line={child.public_id}", 0
    for path in (
        "/lines/", f"/home/{of_child}", f"/history/{of_child}", f"/choices/{of_child}", f"/choices/{stopped}/",
        f"/choices/{stopped}/receipt/", f"/access-log/{of_child}", f"/access-log/companies/{of_child}",
    ):  # fmt: skip
        parent, pages = signed_in(holder), pages + 1
        for _ in range(2):
            assert parent.get(path).status_code == 200, path
        assert looks_of_the_holder(child) == pages, path
    with as_before("the_log_of_a_child") as told:
        told.look("log", signed_in(child), "/access-log/")
    with time_machine.travel(now, tick=False) as clock:
        parent = signed_in(holder)
        for minutes in (0, 9, 11):
            clock.move_to(now + timedelta(minutes=minutes))
            parent.get(f"/home/{of_child}")
    assert looks_of_the_holder(child) == pages + 2
    # Of their own line, and of the child's own looks, nothing is listed; and to the parent it is "You" who looked.
    assert looks_of_the_holder(holder) == 0
    assert AuditEvent.objects.filter(line_id=holder.pk, action__endswith=".looked").count() == 0
    assert main(parent, f"/access-log/{of_child}").one("ul", of_class="log").all("li")[0].lines[0] == "You"
