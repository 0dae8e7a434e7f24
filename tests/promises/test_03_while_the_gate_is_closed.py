"""Promise 3 on the worst day: while the gate is closed after a restore, pages say that no company gets a location, and
that what was stopped stays stopped."""

from collections.abc import Iterator

import pytest
from django.db import connection, connections
from pytest_django.fixtures import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line, User
from audit.queries import database_clock
from consent.actions.choices import NotAllowable, allow
from consent.models import Choice
from consent.workers import archive_comparison
from partners.actions.suspensions import suspend
from partners.models import Campaign
from tests.consent.camara import PENDING, info, refusal
from tests.consent.claiming import a_partner, asked, digest_in, link_in, prove, text_now
from tests.factories import a_campaign, a_line, an_approval
from tests.people import Browser, newest_text, number_of, signed_in
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

NOBODY = "Right now no company gets your location from us."
STAYS = "What you stopped stays stopped. You can stop more at any time. 911 can find you as always."
OF_STAFF = "The gate is closed: we refuse every company, for every line."
WHY = "restored: not compared yet"
NOTHING_CHANGED = (
    "Nothing changed. We are putting our records back in order after a fault. Until then, no company gets a location."
)
OTHERS = {
    "es": "En este momento ninguna empresa recibe su ubicación de nosotros.",
    "vi": "Ngay lúc này không công ty nào nhận được vị trí của quý vị từ chúng tôi.",
    "zh-hans": "现在没有任何公司能从我们这里得到您的位置。",
    "ar": "في هذه اللحظة لا تحصل أي شركة منّا على موقعك.",
}


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0
    MemoryBackend.outbox.clear()


def close() -> None:
    archive_comparison.close_gate(why=WHY)


def reopen() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT consent_gate_open()")


@pytest.fixture
def reopened() -> Iterator[None]:
    yield
    reopen()


@pytest.fixture
def closed(reopened: None) -> None:
    close()


def pages_about(campaign: Campaign) -> list[str]:
    """Where a person reads what companies may do."""
    allows, company = f"/choices/allow/?campaign={campaign.ref}", f"/companies/{campaign.lbs_provider_id}/"
    return ["/home/", "/lines/", "/choices/", "/choices/signal/", "/choices/stop/several/", company, allows]


def said(browser: Browser, path: str) -> tuple[str, bool, bool]:
    page = browser.get(path)
    assert page.status_code == 200, path
    return path, NOBODY in page.text, STAYS in page.text


def test_a_person_reads_it_where_they_stop_and_look(closed: None) -> None:
    line, stranger, signals = a_line(), Browser(), Browser()
    campaign = a_campaign()
    an_approval(line, campaign)
    shown = [said(stranger, "/stop/")]
    stranger.post("/stop/", {"number": number_of(line)})
    shown.append(said(stranger, "/stop/code/"))
    stranger.post("/stop/code/", {"code": newest_text(number_of(line)).code})
    shown.append(said(stranger, "/stop/all/"))
    # They stop, as always, and the page of its progress says both.
    shown.append(said(stranger, stranger.post("/stop/all/", {"stop-all": "1"}).url))
    person = signed_in(line)
    choice = person.post("/choices/stop/", {"scope": "all"}).url
    shown += [said(person, path) for path in (choice, *pages_about(campaign))]
    # What a browser's signal stopped is not stopped again.
    number = number_of(a_line())
    signals.post("/stop/", {"number": number})
    signals.client.post("/stop/code/", {"code": newest_text(number).code}, headers={"Sec-GPC": "1"})
    assert "All sharing has been off since" in signals.get("/stop/all/").text
    shown.append(said(signals, "/stop/all/"))
    assert [one for one in shown if one[1:] != (True, True)] == []


def about_to_allow() -> tuple[Browser, Line, Campaign, dict[str, str]]:
    """Somebody who stopped everything, and the form by which they allow one use again."""
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    person = signed_in(line)
    person.post("/choices/stop/", {"scope": "all"})
    read = digest_in(person.get(f"/choices/allow/?campaign={campaign.ref}"))
    return person, line, campaign, {"campaign": campaign.ref, "days": "30", "notice": read}


def test_a_yes_that_would_not_count_says_so(reopened: None) -> None:
    person, line, campaign, form = about_to_allow()
    first = person.post("/choices/allow/", form)
    choice = Choice.objects.get(kind="allow")
    # Pressed again while it counts, it is the same choice.
    assert (first.url, person.post("/choices/allow/", form).url) == (f"/choices/{choice.id}/",) * 2
    close()
    for _ in range(2):
        again = person.post("/choices/allow/", form)
        assert again.url == "/home/"
        assert NOTHING_CHANGED in person.get("/home/").text
    with pytest.raises(NotAllowable, match="restoring"):
        allow(line_id=line.pk, campaign=campaign.ref, actor=choice.actor, channel=choice.channel, until=choice.until)
    reopen()
    assert person.post("/choices/allow/", form).url == first.url
    assert Choice.objects.get(kind="allow") == choice


def test_so_does_one_to_a_company_that_was_suspended_since() -> None:
    person, _line, campaign, form = about_to_allow()
    assert person.post("/choices/allow/", form).url == f"/choices/{Choice.objects.get(kind='allow').id}/"
    provider = campaign.lbs_provider_id
    suspend(of="party", target_id=provider, actor="system:test", reason="-", at=database_clock(), automatic=True)
    assert person.post("/choices/allow/", form).url == "/home/"
    home = person.get("/home/").text
    assert "Nothing changed. This company does not answer our messages, so it is blocked for now." in home


def test_a_company_s_question_stays_open_and_says_why(reopened: None) -> None:
    partner, line = a_partner(), a_line()
    partner.one(partner.claim(msisdn=number_of(line)))
    assert text_now() == 1
    path = link_in(asked(number_of(line))[0])
    browser, page = prove(path, number_of(line))
    assert "data-gate" not in page.text
    close()
    # The company hears that nothing is known, and has no link to show.
    assert info(partner) == PENDING
    assert refusal(partner, requestCaptureUrl=True) == (403, "CONSENT_INFO.CAPTURE_FREQUENCY_EXCEEDED")
    assert NOBODY in browser.get(path).text
    about_a_yes = browser.get(f"{path}yes/")
    assert NOBODY in about_a_yes.text
    notice = digest_in(about_a_yes)
    for _ in range(2):
        assert browser.post(f"{path}yes/", {"notice": notice}).url == path
        assert NOTHING_CHANGED in browser.get(path).text
    assert Choice.objects.count() == 0
    reopen()
    assert browser.post(f"{path}yes/", {"notice": notice}).url == f"{path}answered/"
    close()
    # What was said counts from when the gate opens again.
    answered = browser.get(f"{path}answered/").text
    assert ("You said yes" in answered, NOBODY in answered) == (True, True)


def test_in_their_own_language(closed: None) -> None:
    for language, sentence in OTHERS.items():
        assert sentence in Browser().get("/stop/", **{"Accept-Language": language}).text, language


def test_staff_have_it_at_the_top_of_every_page(closed: None) -> None:
    for role, path in ((User.Role.OFFICER, "/admin/"), (User.Role.AGENT, "/desk/")):
        page = staff(role).client.get(path).content.decode()
        assert (role, OF_STAFF in page, WHY in page, NOBODY in page) == (role, True, True, False)


def test_while_it_is_open_nobody_reads_of_it() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    person = signed_in(line)
    for browser, path in ((Browser(), "/stop/"), *((person, one) for one in pages_about(campaign))):
        page = browser.get(path)
        assert (path, page.status_code, "data-gate" in page.text) == (path, 200, False)
    assert "data-gate" not in staff().client.get("/admin/").content.decode()


def test_who_has_to_wait_to_read_is_told_the_same(settings: Settings) -> None:
    settings.READING_LIMIT = 0
    page = Browser().get("/transparency/")
    assert (page.status_code, "What you stopped stays stopped." in page.text) == (503, True)


def test_a_server_s_start_opens_nothing_after_a_restore(closed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_gate_reopen()")
        assert cursor.fetchone() == (False,)
    assert "data-gate" in Browser().get("/stop/").text
