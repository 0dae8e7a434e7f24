"""Promise 7. Separations, ended lines and transfers: each journey, from both sides."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from uuid import UUID
from zipfile import ZipFile

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone

from accounts import queries
from accounts.actions.line_separation import close_separation, view_separation
from accounts.actions.people import sign_in_after_end
from accounts.models import Account, Delegation, Line, LineNumber, Message, Separation, User
from accounts.policies import delegations
from accounts.primitives.zones import zone_of
from audit.models import AuditEvent
from consent.actions import choices
from consent.models import Choice
from disclosures.tasks import make_archives
from tests.factories import a_line, a_safe_contact
from tests.feeds import line_row, take_lines, told
from tests.people import PASSWORD, Browser, number_of, sign_in_by_code, signed_in, user_of
from tests.promises.delegates import end, taken_on, waiting
from tests.staff import an_actor
from tests.support.officers import shown, staff
from tests.walks.marks import tells
from tests.walks.world import a_passkey

pytestmark = pytest.mark.usefixtures("no_broker")
DAY = timedelta(days=1)


def alike(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page)


class TestSeparation:
    pytestmark = pytest.mark.django_db

    def ask(self, line: Line) -> UUID:
        answer = sign_in_by_code(line).post("/lines/separation/", {"reach": "At my sister's", "note": "My child too"})
        assert answer.url == "/lines/separation/"
        return Separation.objects.get(line=line).pk

    def test_it_is_due_in_two_days_and_untexted(self) -> None:
        line = a_line(account="A-1", role="user", state="WA")
        a_line(account="A-1")
        self.ask(line)
        found = Separation.objects.get()
        assert found.due_at == delegations.business_days(start=found.asked_at, days=2, zone=zone_of("WA"))
        assert Message.objects.count() == 0

    def test_two_business_days_end_at_midnight_there(self) -> None:
        for asked, due in (
            ("2026-11-23T00:00:00-08:00", "2026-11-25T23:59:59-08:00"),  # a Monday
            ("2026-11-24T23:59:59-08:00", "2026-11-26T23:59:59-08:00"),  # on Thanksgiving: sooner, never later
            ("2026-11-27T12:00:00-08:00", "2026-12-01T23:59:59-08:00"),  # a Friday
            ("2026-11-28T12:00:00-08:00", "2026-12-01T23:59:59-08:00"),
            ("2026-11-29T23:59:59-08:00", "2026-12-01T23:59:59-08:00"),
            ("2026-10-29T00:10:00-07:00", "2026-11-02T23:59:59-08:00"),  # the clocks were put back on Sunday
        ):
            start = datetime.fromisoformat(asked).astimezone(UTC)
            assert delegations.business_days(start=start, days=2, zone=zone_of("WA")) == datetime.fromisoformat(due)

    @pytest.mark.parametrize("role", ["user", "minor"])
    def test_the_holder_finds_nothing_of_it_anywhere(self, role: str) -> None:
        holder, line = a_line(account="A-1"), a_line(account="A-1", role=role)
        sign_in_by_code(line)
        browser = signed_in(holder)
        before = [alike(page) for page in self.pages(browser, line)]
        made = self.ask(line)
        officer = an_actor()
        view_separation(separation_id=made, actor=officer, reason="It is due.", at=timezone.now())
        after = [alike(page) for page in self.pages(browser, line)]
        new = [re.sub(r"<li.*?</li>|\s", "", page, flags=re.DOTALL) for page in (before[-1], after[-1])]
        assert before[:-1] == after[:-1]
        assert new[0] == new[1]
        assert "separation" not in "".join(after).replace("/lines/separation/", "").lower()
        out = StringIO()
        call_command("export_line", line.carrier_id, stdout=out, reason="Due")
        assert "separation" not in out.getvalue()
        own = signed_in(line)
        log = own.get("/access-log/").text
        assert log.index("Looked at your request for a line separation") < log.index("Asked in confidence for a line")
        assert "Your request" in own.get("/lines/separation/").text

    def test_nor_in_what_a_child_s_holder_takes_away(self) -> None:
        holder, line = a_line(account="A-1"), a_line(account="A-1", role="minor")
        sign_in_by_code(line)
        browser, query = signed_in(holder), f"?line={line.public_id}"
        made = self.ask(line)
        view_separation(separation_id=made, actor=an_actor(), reason="It is due.", at=timezone.now())
        browser.post(f"/settings/archive/ask/{query}")
        make_archives()
        packed = ZipFile(BytesIO(browser.client.get(f"/settings/archive/whereabouts.zip{query}").getvalue()))
        taken = {name: packed.read(name).decode() for name in packed.namelist()}
        taken |= {
            path: browser.get(f"{path}{query}").text for path in ("/history/download.json", "/help/", "/settings/")
        }
        assert len(taken) == 10
        for name, text in taken.items():
            assert "separat" not in text.lower(), name
            assert "It is due." not in text, name

    def pages(self, browser: Browser, line: Line) -> Iterator[str]:
        query = f"?line={line.public_id}"
        for path in ("/lines/", f"/home/{query}", f"/history/{query}", f"/choices/{query}", f"/access-log/{query}"):
            yield browser.get(path).text

    def test_the_holder_s_list_stays_until_it_may_be_told(self) -> None:
        number = "+12065550142"
        holder, line = a_line(account="A-1"), a_line(msisdn=number, account="A-1", role="user")
        browser = signed_in(holder)
        made = self.ask(line)
        before = alike(browser.get("/lines/").text)
        Line.objects.filter(pk=line.pk).update(account=Account.objects.create(carrier_id="A-new"), user_role="holder")
        assert alike(browser.get("/lines/").text) == before
        now = timezone.now()
        other = self.ask(a_line())
        # A year mistyped would tell the holder at once, or never.
        for wrong in (now - 365 * DAY, now + 366 * DAY):
            with pytest.raises(ValidationError, match="between today and a year from now"):
                close_separation(
                    separation_id=made, done=True, tell_from=wrong, actor=an_actor(), reason="Looked at.", at=now
                )
        for one, done in ((other, False), (made, True)):
            close_separation(
                separation_id=one, done=done, tell_from=now + DAY, actor=an_actor(), reason="Looked at.", at=now
            )
        assert Separation.objects.get(pk=other).tell_from is None
        closed = AuditEvent.objects.filter(action__endswith="done").order_by("pk")
        assert [(one.action, one.reason) for one in closed] == [
            ("separation.not_done", "Looked at."), ("separation.done", "Looked at."),
        ]  # fmt: skip
        assert alike(browser.get("/lines/").text) == before
        assert tells(before, number)
        # The form that stands there as before does nothing.
        browser.post("/lines/invite/", {"line": str(line.public_id)}, follow=True)
        assert waiting(line) == []
        Separation.objects.filter(pk=made).update(tell_from=now - timedelta(seconds=1))
        assert not tells(browser.get("/lines/").text, number)

    def test_a_child_s_line_that_left_closes_at_once(self) -> None:
        holder, line = a_line(account="A-1"), a_line(account="A-1", role="minor")
        browser = signed_in(holder)
        self.ask(line)
        Line.objects.filter(pk=line.pk).update(account=Account.objects.create(carrier_id="A-new"))
        for path in ("/home/", "/history/", "/choices/", "/access-log/"):
            assert browser.get(f"{path}?line={line.public_id}").status_code == 404
        assert tells(browser.get("/lines/").text, number_of(line))

    def test_a_borrowed_phone_neither_learns_nor_takes_back(self) -> None:
        line = a_line(account="A-1", role="user")
        own = signed_in(line)
        other = sign_in_by_code(line)
        before = alike(other.get("/lines/separation/").text)
        own.post("/lines/separation/", {"reach": "At my sister's", "note": ""})
        assert alike(other.get("/lines/separation/").text) == before
        proof = other.get("/lines/separation/?mine=1").url
        assert proof == "/accounts/reauthenticate/?next=%2Flines%2Fseparation%2F"
        assert other.post("/lines/separation/back/").url == proof
        # What whoever asks by code alone is told is the same, whether or not it was asked before.
        again = other.post("/lines/separation/", {"reach": "By mail", "note": ""}, follow=True).text
        assert "We have your request." in again
        assert "Your request" not in again
        assert Separation.objects.get().state == "open"
        assert "Your request" in own.get("/lines/separation/").text

    def test_a_new_sim_may_ask_and_not_see(self) -> None:
        line = a_line(account="A-1", role="user")
        signed_in(line).post("/lines/separation/", {"reach": "At my sister's", "note": ""})
        Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now())
        held = sign_in_by_code(line)
        assert "Your request" not in held.get("/lines/separation/").text
        assert held.get("/lines/separation/?mine=1").status_code == 403
        assert held.post("/lines/separation/back/").status_code == 403
        assert Separation.objects.get().state == "open"

    def test_it_is_taken_back(self) -> None:
        line = a_line(account="A-1", role="user")
        self.ask(line)
        browser = sign_in_by_code(line)
        browser.post("/lines/separation/back/")
        assert Separation.objects.get().state == "taken_back"
        assert AuditEvent.objects.filter(action="separation.taken_back", line_id=line.pk).count() == 1
        assert "You withdrew your request. You can ask again." in browser.get("/lines/separation/").text
        browser.post("/lines/separation/", {"reach": "By mail", "note": ""})
        assert "Your request" in browser.get("/lines/separation/").text

    def test_no_number_is_shown_that_the_line_no_longer_has(self) -> None:
        line = a_line(account="A-1", role="user", msisdn="+12065550199")
        made, officer = self.ask(line), staff(name="reads it")
        path = f"/admin/separations/{made}/"
        assert "Line +12065550199" in shown(officer, path, {"kind": "review", "reason": "It is due."})
        ended = timezone.now() - timedelta(minutes=1)
        Line.objects.filter(pk=line.pk).update(deactivated_at=ended)
        LineNumber.objects.filter(line=line).update(ends_at=ended)
        a_line(msisdn="+12065550199", activated_at=ended)
        told = shown(officer, path, {"kind": "review", "reason": "It is due."})
        assert ("Line no number now" in told, "5550199" in told) == (True, False)

    def test_nobody_but_an_officer_looks(self) -> None:
        made = self.ask(a_line(account="A-1", role="user"))
        for role in ("agent", "auditor"):
            with pytest.raises(queries.StaffOnly):
                view_separation(separation_id=made, actor=an_actor(role), reason="Due", at=timezone.now())


class TestEndedLines:
    pytestmark = pytest.mark.django_db

    def back(self, number: str, password: str = PASSWORD) -> tuple[Browser, int]:
        browser = Browser()
        return browser, browser.post("/accounts/login/ended/", {"number": number, "password": password}).status_code

    def test_its_person_returns_by_password_to_that_tenure_alone(self) -> None:
        line = a_line()
        number = number_of(line)
        signed_in(line)
        old = choices.pause(
            line_id=line.pk, scope="all", until=timezone.now() + DAY, actor=f"line:{line.pk}", channel="web"
        )
        end(line)
        new = a_line(msisdn=number, activated_at=timezone.now())
        theirs = signed_in(new)
        made = choices.stop(line_id=new.pk, scope="all", actor=f"line:{new.pk}", channel="stop_page")
        browser, status = self.back(number)
        assert status == 302
        assert "Your line until it ended" in browser.get("/lines/").text
        assert browser.get(f"/choices/{old.choice_id}/").status_code == 200
        assert browser.get(f"/choices/{made.choice_id}/").status_code == 404
        assert browser.get(f"/home/?line={new.public_id}").status_code == 404
        assert theirs.get(f"/choices/{old.choice_id}/").status_code == 404
        browser.post("/choices/stop/", {"scope": "all"})
        assert Choice.objects.filter(line_id=line.pk, kind="stop").count() == 1
        assert "Signed in after the line had ended" in browser.get("/access-log/").text
        assert waiting(new) == []
        assert [who.get("/settings/").text.count("Texts to your phone") for who in (theirs, browser)] == [1, 0]
        a_safe_contact(line, msisdn="+12065550199", at=timezone.now())
        assert "Texts to your phone" in browser.get("/settings/").text

    def test_a_texted_code_opens_the_new_holder_s_alone(self) -> None:
        line = a_line()
        number = number_of(line)
        signed_in(line)
        end(line)
        new = a_line(msisdn=number, activated_at=timezone.now())
        sign_in_by_code(new)
        assert user_of(new) != User.objects.get(line_users__line=line)

    def test_every_number_is_asked_for_a_passkey_alike(self) -> None:
        line = a_line()
        number = number_of(line)
        signed_in(line)
        a_passkey(line)
        end(line)
        pages = []
        for typed in (number, "+14155550188"):
            browser = Browser()
            browser.post("/accounts/login/ended/", {"number": typed, "passkey": "1"})
            page = alike(browser.get("/accounts/login/ended/passkey/").text)
            pages.append(re.sub(r'"challenge": "[^"]*"', "", page))
        assert pages[0] == pages[1]
        assert '"allowCredentials": []' in pages[0]
        assert '"userVerification": "required"' in pages[0]

    def test_without_a_password_or_an_end_nobody_comes_back(self) -> None:
        line, running = a_line(), a_line()
        number = number_of(line)
        sign_in_by_code(line)
        end(line)
        signed_in(running)
        assert [self.back(one)[1] for one in (number, number_of(running))] == [200, 200]

    def test_the_last_three_who_had_a_number_come_back(self) -> None:
        number = "+12065550142"
        for n in range(4):
            line = a_line(msisdn=number, activated_at=timezone.now())
            signed_in(line)
            person = user_of(line)
            person.set_password(f"{PASSWORD} {n}")
            person.save()
            end(line)
        assert [self.back(number, f"{PASSWORD} {n}")[1] for n in range(4)] == [200, 302, 302, 302]

    def test_guesses_end_and_open_again_after_an_hour(self) -> None:
        line = a_line()
        number = number_of(line)
        signed_in(line)
        end(line)
        # Who has the right one is never made to wait, however often they come.
        assert {self.back(number)[1] for _ in range(11)} == {302}
        for _ in range(10):
            self.back(number, "wrong one here")
        assert self.back(number)[1] == 200
        at = timezone.now() + timedelta(hours=1, minutes=1)
        assert sign_in_after_end(msisdn=number, password=PASSWORD, at=at) is not None


class TestTransfers:
    pytestmark = pytest.mark.django_db

    def test_a_continued_line_has_the_stops_and_nothing_else(self) -> None:
        row = line_row(line_id="L-old", msisdn="+12065550142", user_role="user")
        assert told(take_lines(row)) == [("accepted",)]
        old = Line.objects.get(carrier_id="L-old")
        _, other, made = taken_on(old, a_line())
        stopped = choices.stop(line_id=old.pk, scope="all", actor=f"line:{old.pk}", channel="stop_page")
        over = timezone.now()
        take_lines({**row, "deactivated_at": over.isoformat()})
        begun = line_row(
            line_id="L-new", msisdn="+12065550142", user_role="user", activated_at=over.isoformat(),
            continues_line_id="L-old",
        )  # fmt: skip
        assert told(take_lines(begun)) == [("accepted",)]
        new = Line.objects.get(carrier_id="L-new")
        assert Choice.objects.filter(line_id=new.pk, kind="stop", scope="all").count() == 1
        theirs = signed_in(new)
        assert theirs.get(f"/choices/{stopped.choice_id}/").status_code == 404
        assert theirs.get(f"/access-log/?line={old.public_id}").status_code == 404
        assert "No helpers" in theirs.get("/lines/delegates/").text
        assert other.get(f"/home/?line={new.public_id}").status_code == 404
        assert Delegation.objects.get(pk=made.pk).ended_at is not None
