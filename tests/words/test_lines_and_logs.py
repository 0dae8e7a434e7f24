"""A person's lines and what may be done with each; who looked at a line and what they did; who asked, day by day."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Line
from audit.models import AuditEvent
from consent.actions import choices
from revocations.models import Order
from tests.factories import a_line
from tests.people import number_of, sign_in_by_code, signed_in
from tests.support.officers import staff
from tests.words.expected import LANGUAGES, PACIFIC, Words
from tests.words.lives import AID, ASH, Life, assert_reads, in_each, read
from tests.words.pages import main, press
from tests.words.partners import Market

pytestmark = pytest.mark.usefixtures("db")
STAFF = {"our_support", "our_privacy_office", "an_auditor_of_our", "an_operator_of_this"}
ON, PARTLY, OFF = ("warn", "nothing_is_stopped"), ("warn", "partly_stopped"), ("good", "all_sharing_is_off")


def shown(line: Line) -> str:
    """A number as pages write it."""
    number = number_of(line).removeprefix("+1")
    return f"({number[:3]}) {number[3:6]}-{number[6:]}"


def a_line_of(say: Words, line: Line, state: tuple[str, str] | None, *told: str) -> list[str]:
    """One line of the list: its number, how it stands, whose it is and what leads on."""
    tag = [f"({state[0]}) {say(state[1])}"] if state else []
    return [shown(line), *tag, *(say(one) for one in told)]


def test_each_line_says_whose_it_is_and_how_it_stands(market: Market) -> None:
    holder, child = a_line(account="FAM"), Life.begin(market, role="minor", account="FAM")
    adult = a_line(role="user", account="FAM")
    child.agrees()
    parent, kid = signed_in(holder), signed_in(child.line)

    def of_parent(say: Words, state: tuple[str, str]) -> list[str]:
        return [
            say("your_lines"), *a_line_of(say, holder, ON, "the_line_you_signed", "three_buttons"),
            *a_line_of(say, child.line, state, "a_childs_line_on", "two_buttons"),
            *a_line_of(say, adult, None, "this_line_belongs_to", "invite_them_to_sign"),
        ]  # fmt: skip

    def of_kid(say: Words, state: tuple[str, str]) -> list[str]:
        return [say("your_lines"), *a_line_of(say, child.line, state, "your_line_you_and", "two_buttons")]

    def both(about: str, state: tuple[str, str]) -> None:
        assert_reads(read(parent, "/lines/"), in_each(lambda say: of_parent(say, state)), about)
        assert_reads(read(kid, "/lines/"), in_each(lambda say: of_kid(say, state)), about)

    both("on", ON)
    home = f"/home/?line={child.line.public_id}"
    press(parent, main(parent, home), "Stop all sharing")
    both("off", OFF)
    page = main(parent, f"/choices/allow/?campaign={market.partners[ASH].campaign.ref}&line={child.line.public_id}")
    press(parent, page, f"Yes, allow {AID}", days="")
    both("partly", PARTLY)

    def proof(say: Words, who: str) -> str:
        by_text = f"{say('agreed_by_text', day=say.day(child.noon(90)))} {say('see_the_proof')}"
        return f"{say(who, day=say.day(child.now))} {say('see_the_proof')}" if who else by_text

    for person, path, who in ((parent, home, "you_allowed_it_here"), (kid, "/home/", "holder_allowed_it_here")):
        for language, page_read in read(person, path).items():
            say = Words(language)
            assert proof(say, who) in page_read
            tabs = [f"{shown(holder)} · {say('you')}", f"{shown(child.line)} · {say('child')}", say("all_lines")]
            assert (page_read[:3] == tabs) is (person is parent)


def looking_after(say: Words, life: Life, may: str, until: object) -> str:
    told = {"see": "you_look_after_this", "stop": "you_look_after_this_line", "both": "you_look_after_this_line_for"}
    return f"{say(told[may])} {say('it_ends_day', day=until)}"


def test_whoever_looks_after_a_line_reads_what_they_may(market: Market) -> None:
    life = Life.begin(market, role="user")
    owner = signed_in(life.line)
    may_read = {
        "see": ("you_look_after_this", "who_has_its_location"),
        "stop": ("you_look_after_this_line", "stop_all_sharing", "pause"),
        "both": ("you_look_after_this_line_for", "who_has_its_location"),
    }
    for may, (told, *buttons) in may_read.items():
        friend = a_line()
        other, last_day = signed_in(friend), life.now.astimezone(PACIFIC).date() + timedelta(days=20)
        asking = {"number": number_of(friend), "may": may, "day": last_day.isoformat()}
        press(owner, main(owner, "/lines/delegates/"), "Ask them", **asking)
        asked = {language: of_asked(Words(language), life.line, friend) for language in LANGUAGES}
        assert_reads(read(other, "/lines/"), asked, may)
        links = main(other, "/lines/").all("a", of_class="button")
        path = next(one.attributes["href"] for one in links if one.words == "Read it, and say yes or no")
        press(other, main(other, path), "Yes, I look after it")
        said = "(plain) You look after this line now. You can give it back at any time."
        assert main(other, "/lines/").whole[0] == said
        ends = datetime.combine(last_day, time(23, 59, 59), PACIFIC)
        taken = {
            language: of_taken(Words(language), life.line, friend, told, buttons, ends) for language in LANGUAGES
        }  # fmt: skip
        assert_reads(read(other, "/lines/"), taken, f"{may}: taken on")


def of_asked(say: Words, line: Line, friend: Line) -> list[str]:
    """What somebody reads who was asked to look after a line."""
    return [
        say("your_lines"), shown(line), f"(warn) {say('you_are_asked')}", say("the_person_who_uses_this"),
        say("read_it_and_say"), *a_line_of(say, friend, ON, "the_line_you_signed", "three_buttons"),
    ]  # fmt: skip


def of_taken(say: Words, line: Line, friend: Line, told: str, buttons: Sequence[str], ends: datetime) -> list[str]:
    """What they read once they have said yes."""
    return [
        say("your_lines"), *a_line_of(say, friend, ON, "the_line_you_signed", "three_buttons"),
        *a_line_of(say, line, None), f"{say(told)} {say('it_ends_day', moment=say.moment(ends))}",
        *(say(one) for one in buttons), say("what_you_may_do"),
    ]  # fmt: skip


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
    newest_first = (
        ("you_did", "signed_in_with_a", ""),
        ("an_operator_of_this", "took_a_copy_of", "A judge asked."),
        ("you_did", "took_a_copy_csv", ""),
        ("our_privacy_office", "looked_at_what_a", "To call or write to the person: They called."),
        ("a_company_we_share", "signed_what_it_did", ""),
        ("you_did", "stopped_sharing", ""),
        ("you_did", "chose_a_password", ""),
        ("you_did", "signed_in_with_a", ""),
        ("a_file_from_the", "brought_in_records_of", ""),
    )
    moments = list(AuditEvent.objects.filter(line_id=life.line.pk).order_by("-at", "-seq").values_list("at", flat=True))

    def log(say: Words) -> list[str]:
        entries = [
            line
            for (who, what, reason), at in zip(newest_first, moments, strict=True)
            for line in (
                say(who), f"(warn) {say('staff')}" if who in STAFF else "", say(what),
                say("reason_given_is", reason=reason) if reason else "", say.moment(at),
            )
            if line
        ]  # fmt: skip
        return [
            say("who_looked_at_this"), say("lookers_of", number=shown(life.line)), say("people_and_programs_here"),
            say("companies_that_asked"), *entries,
        ]  # fmt: skip

    assert_reads(read(person, "/access-log/"), in_each(log))


def looks_of_the_holder(child: Line, say: Words) -> int:
    """How often the child's log says that the account holder looked."""
    cards = main(signed_in(child), "/access-log/", say.language).all("article", of_class="card")
    looked = (say("the_account_holder_did"), say("looked_at_the_pages"))
    return sum(tuple(card.lines[:2]) == looked for card in cards)


def test_a_child_reads_each_time_that_the_account_holder_looked() -> None:
    holder, child, now = a_line(account="A-1"), a_line(account="A-1", role="minor"), timezone.now()
    stopped = choices.stop(line_id=child.pk, scope="all", actor="subscriber:0", channel="web").choice_id
    of_child, pages = f"?line={child.public_id}", 0
    for path in (
        "/lines/",
        f"/home/{of_child}",
        f"/history/{of_child}",
        f"/choices/{of_child}",
        f"/choices/{stopped}/",
        f"/choices/{stopped}/receipt/",
        f"/access-log/{of_child}",
        f"/access-log/companies/{of_child}",
    ):
        parent, pages = signed_in(holder), pages + 1
        for _ in range(2):
            assert parent.get(path).status_code == 200, path
        assert [looks_of_the_holder(child, Words(language)) for language in LANGUAGES] == [pages] * 2, path
    with time_machine.travel(now, tick=False) as clock:
        parent = signed_in(holder)
        for minutes in (0, 9, 11):
            clock.move_to(now + timedelta(minutes=minutes))
            parent.get(f"/home/{of_child}")
    assert looks_of_the_holder(child, Words("en")) == pages + 2
    # Of their own line, and of the child's own looks, nothing is listed; and to the parent it is "You" who looked.
    assert looks_of_the_holder(holder, Words("en")) == 0
    assert AuditEvent.objects.filter(line_id=holder.pk, action__endswith=".looked").count() == 0
    assert main(parent, f"/access-log/{of_child}").all("article", of_class="card")[0].lines[0] == "You"
