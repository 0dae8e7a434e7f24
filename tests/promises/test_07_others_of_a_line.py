"""Promise 7. Delegates, safe numbers, invitations, separations and ended lines: each journey, from both sides."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts import queries
from accounts.actions import delegations as delegations_actions
from accounts.actions import sms_outbox
from accounts.actions.delegations import NotDelegated, answer_delegation, end_delegation
from accounts.actions.incoming_texts import refuse_texts
from accounts.actions.people import end_tenures, get_or_create_person
from accounts.clients.texts import MemoryBackend
from accounts.models import Delegation, Line, Message
from accounts.policies import delegations
from accounts.primitives.zones import zone_of
from accounts.workers import sms_delivery
from audit.models import AuditEvent
from consent.models import Choice
from tests.clocks import standing_still
from tests.factories import a_line
from tests.fixtures import Refusal
from tests.overlapping import overlap
from tests.people import PASSWORD, Browser, newest_text, number_of, sign_in_by_code, signed_in, texts_to, user_of
from tests.promises.delegates import asked, end, taken_on, waiting
from tests.walks.marks import tells

pytestmark = pytest.mark.usefixtures("no_broker")
SAFE = "+14155550123"
DAY = timedelta(days=1)


class TestDelegates:
    pytestmark = pytest.mark.django_db

    def test_the_journey_from_both_sides(self) -> None:
        line, friend = a_line(msisdn="+12065550142", role="user"), a_line()
        person, other = signed_in(line), signed_in(friend)
        made = asked(person, number_of(friend))
        assert [kind for kind, _ in waiting(friend)] == ["delegate"]
        assert "someone asks you to be a trusted helper" in waiting(friend)[0][1]
        assert not tells(waiting(friend)[0][1], number_of(line))
        assert "Waiting for your answer" in other.get("/lines/").text
        assert other.get(f"/home/?line={line.public_id}").status_code == 404
        page = other.get(f"/lines/asked/{made.pk}/").text
        assert "Yes, I'll help" in page
        other.post(f"/lines/asked/{made.pk}/", {"answer": "yes"})
        page = other.get(f"/home/?line={line.public_id}").text
        assert "This is not your line" in page
        assert "You can see who gets its location, and stop or pause it." in page
        other.get(f"/history/?line={line.public_id}")
        log = person.get("/access-log/").text
        assert log.count("Looked at this line&#x27;s pages") == 1
        assert "A trusted helper you asked" in log
        other.post("/choices/stop/", {"line": str(line.public_id), "scope": "all"})
        assert Choice.objects.get().actor == f"delegate:{user_of(friend).pk}"
        assert "changed something." in waiting(line)[-1][1]
        assert "Made by a trusted helper" in person.get("/choices/").text
        person.post(f"/lines/delegates/{made.pk}/end/")
        assert other.get(f"/home/?line={line.public_id}").status_code == 404
        assert "This is not your line" not in other.get("/home/").text

    @pytest.mark.parametrize("who", ["the delegate", "the day", "the line's end", "the delegate's line's end"])
    def test_it_ends_at_once(self, who: str) -> None:
        line, friend = a_line(role="user"), a_line()
        _, other, made = taken_on(line, friend)
        user, at = user_of(friend), timezone.now()
        match who:
            case "the delegate":
                other.post(f"/lines/asked/{made.pk}/", {"answer": "end"})
            case "the day":
                at = made.ends_at
            case "the line's end":
                end_tenures(line_ids=[line.pk], at=at)
            case _:
                end_tenures(line_ids=[friend.pk], at=at)
        assert line.pk not in {one.line.pk for one in queries.list_lines_of_person(user=user, at=at)}
        assert (Delegation.objects.get(pk=made.pk).ended_at is None) == (who == "the day")

    def test_only_the_number_answers_and_for_a_week(self) -> None:
        line, friend, stranger = a_line(role="user"), a_line(), a_line()
        made = asked(signed_in(line), number_of(friend))
        for method in ("get", "post"):
            answer = getattr(signed_in(stranger), method)(f"/lines/asked/{made.pk}/")
            assert answer.status_code == 404
        with pytest.raises(NotDelegated):
            answer_delegation(
                delegation_id=made.pk, user=user_of(stranger), line_id=friend.pk, answer="yes",
                at=made.asked_at + delegations.ASKED_FOR,
            )  # fmt: skip
        sign_in_by_code(friend)
        assert (
            queries.list_delegation_requests(
                line=queries.list_lines_of_person(user=user_of(friend), at=timezone.now())[0],
                at=made.asked_at + delegations.ASKED_FOR,
            )
            == []
        )

    def test_each_word_said_twice_is_said_once(self) -> None:
        """A second press is told what the first did, not that there is nothing at this address."""
        line, friend = a_line(role="user"), a_line()
        person, other, made = taken_on(line, friend)
        refused = asked(person, number_of(a_line()))
        for who, path, said in (
            (other, f"/lines/asked/{made.pk}/", "yes"), (other, f"/lines/asked/{made.pk}/", "end"),
            (person, f"/lines/delegates/{refused.pk}/end/", ""),
        ):  # fmt: skip
            answers = [who.post(path, {"answer": said}) for _ in range(2)]
            assert [one.status_code for one in answers] == [302, 302]
            assert who.get(answers[1].url).status_code == 200
        anew = asked(person, number_of(friend))
        assert [other.post(f"/lines/asked/{anew.pk}/", {"answer": "no"}).url for _ in range(2)] == ["/lines/"] * 2
        assert other.post(f"/lines/asked/{anew.pk}/", {"answer": "yes"}).status_code == 404
        events = AuditEvent.objects.filter(action__startswith="delegate.", line_id=line.pk).order_by("id")
        assert [one.action.removeprefix("delegate.") for one in events] == [
            "asked", "taken_on", "asked", "ended", "ended", "asked", "ended",
        ]  # fmt: skip

    def test_an_invitation_does_not_pass_on_with_the_number(self) -> None:
        line, friend = a_line(role="user"), a_line()
        signed_in(friend)
        number = number_of(friend)
        made = asked(signed_in(line), number)
        end(friend)
        next_one = signed_in(a_line(msisdn=number, activated_at=timezone.now()))
        assert "Waiting for your answer" not in next_one.get("/lines/").text
        assert next_one.get(f"/lines/asked/{made.pk}/").status_code == 404
        assert next_one.post(f"/lines/asked/{made.pk}/", {"answer": "yes"}).status_code == 404
        assert Delegation.objects.get(pk=made.pk).user is None

    def test_former_holders_answer_nothing_for_the_next(self) -> None:
        line, friend = a_line(role="user"), a_line()
        signed_in(friend)
        number = number_of(friend)
        end(friend)
        theirs = signed_in(a_line(msisdn=number, activated_at=timezone.now()))
        made = asked(signed_in(line), number)
        former = Browser()
        assert former.post("/accounts/login/ended/", {"number": number, "password": PASSWORD}).status_code == 302
        assert "Waiting for your answer" not in former.get("/lines/").text
        assert former.get(f"/lines/asked/{made.pk}/").status_code == 404
        for answer in ("yes", "no"):
            assert former.post(f"/lines/asked/{made.pk}/", {"answer": answer}).status_code == 404
        assert "Waiting for your answer" in theirs.get("/lines/").text
        assert theirs.post(f"/lines/asked/{made.pk}/", {"answer": "yes"}).url == "/lines/"

    def test_who_asks_and_ends_and_asks_again_floods_nobody(self) -> None:
        line, friend = a_line(role="user"), a_line()
        at = timezone.now()
        user = get_or_create_person(line=line, at=at)

        def ask(msisdn: str, when: datetime = at) -> None:
            made = delegations_actions.delegate(
                line_id=line.pk, user=user, msisdn=msisdn, may="see", ends_at=when + 9 * DAY, at=when
            )
            end_delegation(delegation_id=made, line_id=line.pk, user=user, at=when)

        for _ in range(2):
            ask(number_of(friend))
        with pytest.raises(NotDelegated, match="many"):
            ask(number_of(friend))
        for n in range(3):
            ask(f"+1415555018{n}")
        with pytest.raises(NotDelegated, match="many"):
            ask("+14155550188")
        assert [kind for kind, _ in waiting(friend)] == ["delegate"] * 2
        ask(number_of(friend), at + DAY)

    def test_nobody_learns_by_asking_whom_others_asked(self) -> None:
        friend, at = a_line(), timezone.now()
        for _ in range(4):
            line = a_line(role="user")
            user = get_or_create_person(line=line, at=at)
            delegations_actions.delegate(
                line_id=line.pk, user=user, msisdn=number_of(friend), may="see", ends_at=at + 9 * DAY, at=at
            )
        assert [kind for kind, _ in waiting(friend)] == ["delegate"] * 2
        assert len(delegations.list_open_requests(line_id=friend.pk, at=at)) == 4

    def test_the_list_of_lines_says_nothing_that_leaves_no_trace(self) -> None:
        line, friend = a_line(role="user"), a_line()
        person, other, _ = taken_on(line, friend)
        page = other.get("/lines/").text
        assert "You can see who gets its location, and stop or pause it." in page
        assert page.count("Nothing is stopped") + page.count("All sharing is off") == 1
        assert "Looked at this line&#x27;s pages" not in person.get("/access-log/").text

    def test_nobody_s_number_looks_the_same_to_who_asks(self) -> None:
        line, friend = a_line(role="user"), a_line()
        person = signed_in(line)
        pages = []
        for number in (number_of(friend), "+14155550188"):
            made = asked(person, number)
            shown = person.get("/lines/delegates/").text
            pages.append(re.sub(r"\(\d{3}\) \d{3}-\d{4}|[0-9a-f-]{36}|value=\"[^\"]{60,}\"|<time.*?</time>", "", shown))
            person.post(f"/lines/delegates/{made.pk}/end/", follow=True)
        assert pages[0] == pages[1]
        for number in ("+14155550188", number_of(friend)):
            asked(person, number)
        numbers = re.findall(r'class="of-number"><bdi>([^<]+)<', person.get("/lines/delegates/").text)
        assert sorted(re.sub(r"\D", "", one) for one in numbers) == sorted(["4155550188", number_of(friend)[2:]])

    def test_an_end_is_needed_within_a_year(self) -> None:
        line = a_line(role="user")
        person = signed_in(line)
        form = {"number": "+14155550188", "may": "see"}
        for days in (400, -1):
            day = (timezone.now().astimezone(zone_of(line.state)) + timedelta(days=days)).date().isoformat()
            assert "between today and a year from now" in person.post("/lines/delegates/", {**form, "day": day}).text, (
                days
            )
        assert "Choose an end date." in person.post("/lines/delegates/", form).text
        assert Delegation.objects.count() == 0

    def test_nothing_lasts_until_the_end_of_a_day_that_is_over(self) -> None:
        form = {"number": "+14155550198", "may": "see", "day": "2027-11-07"}
        for moment, status in (("2027-11-07T23:59:58-08:00", 302), ("2027-11-07T23:59:59.5-08:00", 200)):
            with time_machine.travel(moment, tick=False):
                answer = signed_in(a_line(role="user")).post("/lines/delegates/", form)
            assert (answer.status_code, "between today and a year from now" in answer.text) == (status, status == 200)

    def test_the_last_day_of_a_year_with_two_clock_changes(self) -> None:
        line, friend = a_line(role="user", state="WA"), a_line()
        with time_machine.travel("2027-11-07T00:30:00-07:00", tick=False):
            form = {"number": number_of(friend), "may": "see", "day": "2028-11-06"}
            assert signed_in(line).post("/lines/delegates/", form).url == "/lines/delegates/"
        made = Delegation.objects.get()
        assert made.ends_at - made.asked_at == timedelta(days=366)

    def test_one_until_a_day_ends_on_that_day(self) -> None:
        """For both: whoever is asked may live where it is the next day already."""
        line, friend = a_line(role="user", state="WA"), a_line(state="NY")
        with time_machine.travel("2027-02-20T12:00:00-08:00", tick=False):
            form = {"number": number_of(friend), "may": "both", "day": "2027-03-01"}
            signed_in(line).post("/lines/delegates/", form)
            read, made, other = (
                signed_in(line).get("/lines/delegates/").text,
                Delegation.objects.get(),
                signed_in(friend),
            )
            pages = [read, other.get(f"/lines/asked/{made.pk}/").text]
            other.post(f"/lines/asked/{made.pk}/", {"answer": "yes"})
            places = ("/lines/", f"/lines/asked/{made.pk}/", f"/home/?line={line.public_id}")
            pages += [other.get(path).text for path in places]
        assert made.ends_at == datetime.fromisoformat("2027-03-01T23:59:59-08:00")
        assert [("Mar 1, 2027" in page, "Mar 2, 2027" in page) for page in pages] == [(True, False)] * 5

    def test_the_database_holds_the_year(self, refused: Refusal) -> None:
        line, friend = a_line(role="user"), a_line()
        asked(signed_in(line), number_of(friend))
        longer = "asked_at + interval '367 days'"
        refused(
            "INSERT INTO accounts_delegation (id, line_id, by_id, asked_hash, asked_sealed, may, asked_at, ends_at)"
            f" SELECT gen_random_uuid(), line_id, by_id, 'x', asked_sealed, may, asked_at, {longer}"
            " FROM accounts_delegation",
            constraint="accounts_delegation_a_year_at_most",
        )
        refused(f"UPDATE accounts_delegation SET ends_at = {longer}", constraint="accounts_delegation_ended_once")


class TestSafeContact:
    @pytest.fixture(autouse=True)
    def _commits(self, committed_db: None) -> None:
        """What is texted is texted after the commit."""

    def given(self, line: Line, number: str) -> Browser:
        person = signed_in(line)
        MemoryBackend.outbox.clear()
        person.post("/lines/contact/", {"number": number})
        code = newest_text(number).code
        assert person.post("/lines/contact/code/", {"code": "1"}).status_code == 200
        assert delegations.contact_of(line_id=line.pk) is None or texts_to(number)
        assert person.post("/lines/contact/code/", {"code": code}).url == "/lines/contact/"
        return person

    def test_too_many_tries_at_its_code_are_said(self) -> None:
        person, path = signed_in(a_line(role="user")), "/lines/contact/"
        person.post(path, {"number": SAFE})
        code, wrong, many = (
            newest_text(SAFE).code,
            "That code isn&#x27;t right.",
            "Too many tries. Ask for a new code below.",
        )
        said = [person.post(f"{path}code/", {"code": "1"}, follow=True).text for _ in range(5)]
        said.append(person.post(f"{path}code/", {"code": code}, follow=True).text)
        assert [(wrong in page, many in page) for page in said] == [(True, False)] * 4 + [(False, True)] * 2
        left = ["4 tries", "3 tries", "2 tries", "1 try"]
        assert [f"You have {one} left." in page for one, page in zip(left, said, strict=False)] == [True] * 4
        person.post(path, {"number": SAFE})
        code = newest_text(SAFE).code
        with standing_still(timezone.now() + timedelta(minutes=11)):
            assert wrong in person.post(f"{path}code/", {"code": code}, follow=True).text
        assert person.post(f"{path}code/", {"code": code}).url == path

    def news(self, line: Line, at_hours: int) -> set[str]:
        """Who is texted so many hours later."""
        MemoryBackend.outbox.clear()
        at = timezone.now() + timedelta(hours=at_hours)
        sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="news.", at=at)
        sms_delivery.deliver(now=at)
        return {text.msisdn for text in MemoryBackend.outbox}

    def test_news_goes_there_and_a_day_longer_here(self) -> None:
        line = a_line(role="user")
        self.given(line, SAFE)
        (old,) = texts_to(number_of(line))
        assert "someone changed where we send alerts about this phone's location" in old.text
        assert "555-0123" not in old.text
        assert SAFE not in old.text
        assert self.news(line, 1) == {SAFE, number_of(line)}
        assert self.news(line, 25) == {SAFE}
        assert texts_to(SAFE)[0].text == "localhost: About your other phone line: news."
        # What answers the phone, or asks whoever carries it, goes to it alone; all else that they want, there alone.
        # At noon where the line is, when no text has to wait for the morning.
        at = (timezone.now() + timedelta(days=3)).replace(hour=20)
        MemoryBackend.outbox.clear()
        for kind in Message.Kind:
            sms_outbox.enqueue_text(line_id=line.pk, kind=kind, words=kind.value, at=at)
        sms_delivery.deliver(now=at + timedelta(days=1))
        here, there = ({text.text.split()[-1] for text in texts_to(to)} for to in (number_of(line), SAFE))
        assert here == {"agent", "invited", "receipt", "reply"}
        assert there == {*Message.Kind.values} - here - {"yearly"}

    def test_a_change_and_a_removal_are_told_there(self) -> None:
        line = a_line(role="user")
        self.given(line, SAFE)
        person = self.given(line, "+14155550124")
        assert "someone changed where we send alerts" in texts_to(SAFE)[-1].text
        assert [text for text in texts_to("+14155550124") if not text.code] == []
        MemoryBackend.outbox.clear()
        person.post("/lines/contact/remove/")
        assert "someone changed where we send alerts" in texts_to("+14155550124")[-1].text
        assert self.news(line, 25) == {number_of(line)}

    def test_it_ends_once_its_number_is_another_line_s(self) -> None:
        line = a_line(role="user")
        self.given(line, SAFE)
        later = timezone.now() + timedelta(hours=25)
        with transaction.atomic():
            sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.STAFF, words="old.", at=later)
            Message.objects.filter(line=line, taken_at__isnull=True).update(next_at=later + timedelta(hours=2))
        a_line(msisdn=SAFE, activated_at=later + timedelta(hours=1))
        MemoryBackend.outbox.clear()
        sms_delivery.deliver(now=later + timedelta(hours=2))
        assert [(text.msisdn, text.text) for text in MemoryBackend.outbox] == [(number_of(line), "localhost: old.")]
        assert delegations.contact_of(line_id=line.pk) is None
        assert self.news(line, 28) == {number_of(line)}
        assert any("someone changed where we send alerts" in text.text for text in texts_to(number_of(line)))
        log = AuditEvent.objects.filter(action="line.contact_removed", line_id=line.pk)
        assert [one.actor for one in log] == ["system:lines"]

    def test_news_written_later_goes_to_the_phone(self) -> None:
        line = a_line(role="user")
        self.given(line, SAFE)
        a_line(msisdn=SAFE, activated_at=timezone.now())
        assert self.news(line, 25) == {number_of(line)}
        assert delegations.contact_of(line_id=line.pk) is None

    def test_the_phone_is_told_of_that_without_any_news(self) -> None:
        line = a_line(role="user")
        self.given(line, SAFE)
        now = timezone.now()
        a_line(msisdn=SAFE, activated_at=now)
        MemoryBackend.outbox.clear()
        for hours, is_told in ((23, False), (25, True)):
            sms_delivery.end_reassigned_contacts(now=now + timedelta(hours=hours))
            sms_delivery.deliver(now=now + timedelta(hours=hours))
            assert bool(texts_to(number_of(line))) is is_told
        assert "someone changed where we send alerts" in texts_to(number_of(line))[0].text

    def test_a_line_s_end_ends_it(self) -> None:
        line = a_line(role="user")
        self.given(line, SAFE)
        end_tenures(line_ids=[line.pk], at=timezone.now())
        assert delegations.contact_of(line_id=line.pk) is None


class TestInvitations:
    pytestmark = pytest.mark.django_db

    def test_the_user_is_invited_once_a_week(self) -> None:
        holder, adult = a_line(account="A-1"), a_line(account="A-1", role="user")
        browser = signed_in(holder)
        form = {"line": str(adult.public_id)}
        pages = []
        for _ in range(2):
            assert browser.post("/lines/invite/", form).url == "/lines/"
            pages.append(re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", browser.get("/lines/").text))
        assert pages[0] == pages[1]
        assert [kind for kind, _ in waiting(adult)] == ["invited"]
        assert "/invited/" in waiting(adult)[0][1]
        assert "Invited you to sign in" in signed_in(adult).get("/access-log/").text
        Message.objects.update(made_at=timezone.now() - timedelta(days=7, minutes=1))
        browser.post("/lines/invite/", form)
        assert len(waiting(adult)) == 2

    def test_who_texted_stop_is_invited_no_more(self) -> None:
        holder, adult = a_line(account="A-1"), a_line(account="A-1", role="user")
        refuse_texts(line_id=adult.pk, at=timezone.now())
        answer = signed_in(holder).post("/lines/invite/", {"line": str(adult.public_id)}, follow=True)
        assert "If this phone can get texts, we&#x27;ve sent it an invitation" in answer.text
        assert waiting(adult) == []

    def test_its_page_says_what_the_holder_does_not_see(self) -> None:
        page = Browser().get("/invited/").text
        assert "Not what happened to this invitation." in page


@pytest.mark.usefixtures("committed_db")
def test_who_says_yes_while_their_own_line_ends_helps_nobody() -> None:
    line, friend, other = a_line(role="user"), a_line(), a_line()
    person = signed_in(line)

    for own in (friend, other):
        signed_in(own)
    users = {own.pk: user_of(own) for own in (friend, other)}

    def says_yes(to: Delegation, own: Line) -> None:
        at = timezone.now()
        answer_delegation(delegation_id=to.pk, user=users[own.pk], line_id=own.pk, answer="yes", at=at)

    def ends(own: Line) -> None:
        with transaction.atomic():
            end(own)

    first, second = asked(person, number_of(friend)), asked(person, number_of(other))
    overlap(lambda: says_yes(first, friend), lambda: ends(friend))
    with pytest.raises(NotDelegated):
        overlap(lambda: ends(other), lambda: says_yes(second, other))
    kept = Delegation.objects.order_by("asked_at").values_list("user", "ended_at")
    assert [(user, ended_at is None) for user, ended_at in kept] == [(users[friend.pk].pk, False), (None, True)]
