"""Promise 3 on the worst day: while the gate is closed after a restore, pages say that no company gets a location, and
that what was stopped stays stopped."""

from collections.abc import Iterator

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from accounts.models import User
from consent import archiving
from tests.factories import a_line
from tests.people import Browser, newest_text, number_of, signed_in
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

NOBODY = "Right now no company gets your location from us."
STAYS = "What you stopped stays stopped. You can stop more at any time. 911 can find you as always."
OF_STAFF = "The gate is closed: every company's question is answered no, for every line."
WHY = "restored: not compared yet"
OTHERS = {
    "es": "En este momento ninguna empresa recibe su ubicación de nosotros.",
    "vi": "Ngay lúc này không công ty nào nhận được vị trí của quý vị từ chúng tôi.",
    "zh-hans": "现在没有任何公司能从我们这里得到您的位置。",
    "ar": "في هذه اللحظة لا تحصل أي شركة منّا على موقعك.",
}


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.texts.MemoryBackend", 0.0


@pytest.fixture
def closed() -> Iterator[None]:
    archiving.close(why=WHY)
    yield
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT consent_gate_open()")


def said(browser: Browser, path: str) -> tuple[str, bool, bool]:
    page = browser.get(path)
    assert page.status_code == 200, path
    return path, NOBODY in page.text, STAYS in page.text


def test_a_person_reads_it_where_they_stop_and_where_they_look(closed: None) -> None:
    line, stranger = a_line(), Browser()
    shown = [said(stranger, "/stop/")]
    stranger.post("/stop/", {"number": number_of(line)})
    shown.append(said(stranger, "/stop/code/"))
    stranger.post("/stop/code/", {"code": newest_text(number_of(line)).code})
    shown.append(said(stranger, "/stop/all/"))
    # They stop, as always, and the page of its progress says both.
    shown.append(said(stranger, stranger.post("/stop/all/", {"stop-all": "1"}).url))
    person = signed_in(line)
    choice = person.post("/choices/stop/", {"scope": "all"}).url
    shown += [said(person, path) for path in ("/home/", "/choices/", "/lines/", choice)]
    assert [one for one in shown if one[1:] != (True, True)] == []


def test_in_their_own_language(closed: None) -> None:
    for language, sentence in OTHERS.items():
        assert sentence in Browser().get("/stop/", **{"Accept-Language": language}).text, language


def test_officers_and_agents_have_it_at_the_top_of_every_page(closed: None) -> None:
    for role, path in ((User.Role.OFFICER, "/admin/"), (User.Role.AGENT, "/desk/")):
        page = staff(role).client.get(path).content.decode()
        assert (role, OF_STAFF in page, WHY in page, NOBODY in page) == (role, True, True, False)


def test_while_it_is_open_nobody_reads_of_it() -> None:
    person = signed_in(a_line())
    for browser, path in ((Browser(), "/stop/"), (person, "/home/"), (person, "/choices/")):
        assert "data-gate" not in browser.get(path).text
    assert "data-gate" not in staff().client.get("/admin/").content.decode()


def test_who_has_to_wait_to_read_is_told_the_same(settings: Settings) -> None:
    settings.READING_LIMIT = 0
    page = Browser().get("/transparency/")
    assert (page.status_code, "What you stopped stays stopped." in page.text) == (503, True)
