"""When too many come, whoever only wants to read waits, and nobody who wants to stop does."""

import gc
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import ResolverMatch, get_resolver
from pytest_django.fixtures import Settings

from accounts.primitives.slots import SlotPool
from audit.models import AuditEvent
from portal import load_shedding
from tests.factories import a_line
from tests.people import signed_in
from tests.staff import a_staff_user
from tests.walks.addresses import patterns

pytestmark = pytest.mark.usefixtures("db")
ROOT = Path(__file__).resolve().parents[2]
APPS = (
    "tools", "portal", "console", "support", "disclosures", "consent", "revocations", "partners", "accounts", "audit",
)  # fmt: skip


@pytest.fixture
def texts(settings: Settings) -> None:
    """Codes are read at once."""
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0


def started(answer: object) -> StreamingHttpResponse:
    """An answer in parts, of which nobody has read any yet."""
    assert isinstance(answer, StreamingHttpResponse)
    return answer


@pytest.fixture
def full(settings: Settings) -> Iterator[None]:
    """Every place for readers is taken."""
    settings.READING_LIMIT = 2
    taken = [load_shedding.places.take(2) for _ in range(3)]
    assert [place is not None for place in taken] == [True, True, False]
    yield
    for place in taken[:2]:
        assert place is not None
        place.release()


def test_a_reader_is_told_to_come_back_and_may_stop_at_once(client: Client, full: None) -> None:
    for path in ("/home/", "/transparency/", "/help/", "/choices/", "/history/"):
        answer = client.get(path)
        assert (path, answer.status_code, answer["Retry-After"]) == (path, 503, "10")
        assert 'href="/stop/"' in answer.content.decode()
        assert answer["Cache-Control"] == "no-store, private"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert client.cookies == {}


def test_whoever_wants_to_stop_never_is(client: Client, full: None) -> None:
    for path, status in (
        ("/", 200),
        ("/stop/", 200),
        ("/accounts/login/", 200),
        ("/healthz", 200),
        ("/admin/", 302),
        ("/admin/", 302),
        ("/stop/code/", 302),
    ):
        assert (path, client.get(path).status_code) == (path, status)
    assert client.post("/choices/stop/", {"scope": "all"}).status_code == 302
    assert client.post("/settings/", {"language": "es"}).status_code == 302


def test_places_are_given_back_even_by_what_fails(client: Client, settings: Settings) -> None:
    settings.READING_LIMIT = 1
    assert [client.get(path).status_code for path in ("/help/", "/companies/x/", "/home/", "/help/")] == [
        200, 404, 302, 200,
    ]  # fmt: skip
    assert load_shedding.places.taken_count == 0


def test_a_download_keeps_its_place_until_it_has_gone_out(texts: None, settings: Settings) -> None:
    settings.READING_LIMIT = 1
    for path in ("/history/download.csv", "/history/download.json"):
        reader = signed_in(a_line()).client
        going = started(reader.get(path))
        assert (going.status_code, load_shedding.places.taken_count) == (200, 1)
        assert [reader.get(one).status_code for one in (path, "/history/", "/stop/")] == [503, 503, 200]
        assert going.getvalue()
        assert load_shedding.places.taken_count == 0


def test_a_place_is_free_however_a_download_ends(rf: RequestFactory, settings: Settings) -> None:
    settings.READING_LIMIT = 1

    def parts() -> Iterator[bytes]:
        yield b"first"
        raise OSError("the database has gone")

    def download(began: bool) -> StreamingHttpResponse:
        answer = load_shedding.stopping_first(lambda _: StreamingHttpResponse(parts()))(rf.get("/history/"))
        assert (answer.status_code, load_shedding.places.taken_count) == (200, 1)
        if began:
            assert next(iter(started(answer))) == b"first"
        return started(answer)

    for began in (True, False):
        download(began).close()
        assert load_shedding.places.taken_count == 0
        # Nobody closed it: something went wrong on its way out.
        download(began)
        gc.collect()
        assert load_shedding.places.taken_count == 0
    with pytest.raises(OSError, match="gone"):
        download(began=False).getvalue()
    assert load_shedding.places.taken_count == 0


def test_two_downloads_a_person_at_a_time(texts: None) -> None:
    line, path = a_line(), "/history/download.csv"
    reader = signed_in(line).client
    going = [started(reader.get(path)) for _ in range(2)]
    refused = reader.get("/history/download.json")
    assert (refused.status_code, refused["Retry-After"]) == (429, "30")
    assert "Two of your downloads are still running." in refused.content.decode()
    # What was refused was not taken.
    assert AuditEvent.objects.filter(line_id=line.pk, action="line.exported").count() == 2
    other = started(signed_in(a_line()).client.get(path))
    assert other.status_code == 200
    assert going.pop().getvalue()
    again = started(reader.get(path))
    assert [again.status_code, reader.get(path).status_code, reader.get("/history/").status_code] == [200, 429, 200]
    assert all(one.getvalue() for one in (*going, other, again))
    assert load_shedding.places.taken_count == 0


def test_every_download_is_one_of_few() -> None:
    """Whatever goes out in parts keeps its thread meanwhile."""
    unbounded = []
    for path in (one for app in APPS for one in (ROOT / app).rglob("*.py")):
        text = path.read_text()
        sends = re.search(r"StreamingHttpResponse\(|(?<!def )csv_file\(", text)
        if sends and not re.search("@(limit_downloads|staff_download)\n", text):
            unbounded.append(path.name)
    # Where `csv_file` itself is: those who call it are looked at.
    assert unbounded == ["downloads.py"]


@pytest.mark.parametrize(
    ("waited", "status"), [(0.0, 200), (4.0, 200), (6.0, 503), (590.0, 503), (700.0, 200), (-60.0, 200)]
)
def test_what_nobody_waits_for_any_more_is_not_read(client: Client, waited: float, status: int) -> None:
    headers = {"X-Request-Start": f"t={time.time() - waited:.3f}"}
    assert client.get("/help/", headers=headers).status_code == status
    assert client.get("/stop/", headers=headers).status_code == 200


def test_a_strange_word_about_waiting_is_not_heeded(client: Client) -> None:
    for said in ("", "t=", "now", "t=1e999", "t=nan", "-1"):
        assert client.get("/help/", headers={"X-Request-Start": said}).status_code == 200


def test_nothing_that_stops_is_among_what_only_shows() -> None:
    routes = {f"/{route}" for _, route in patterns(get_resolver())}
    reading = {route for route in routes if load_shedding.READING.match(route)}
    assert len(reading) > 12
    acts = re.compile("stop|dispute|pause|leave|write|ask|contact|separation|invite|texts|delegates")
    assert [one for one in reading if acts.search(one)] == []
    for door in ("/stop/progress/<str:token>/", "/choices/<uuid:choice_id>/", "/ask/<str:token>/", "/ssf/poll", "/"):
        assert (door in routes, door in reading) == (True, False), door


def test_each_refusal_is_in_the_log_with_its_route_and_nothing_of_anybody(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_shedding, "lines", load_shedding.WaitingLines())
    caplog.set_level("INFO", logger="portal.load_shedding")
    number, token = "+12065550177", "x" * 40
    assert client.get("/metrics").status_code in {401, 404}
    assert client.post("/ssf/poll", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    client.force_login(a_staff_user("agent"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/home/?number={number}").status_code == 403
    client.get("/")
    said = [json.loads(json.dumps(one.msg)) for one in caplog.records if one.name == "portal.load_shedding"]
    refused = [(one["event"], one["route"], one["method"], one["status"]) for one in said]
    assert refused[-2:] == [("request.refused", "/ssf/poll", "POST", 401), ("request.refused", "/home/", "GET", 403)]
    assert [one for one in (number, token) if one in str(said)] == []
    known = {"event", "route", "method", "status", "level", "logger", "timestamp"}
    assert set().union(*said) <= known


def test_a_flood_of_refusals_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", logger="portal.load_shedding")
    monkeypatch.setattr(load_shedding, "lines", load_shedding.WaitingLines())
    now = 6000.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    def written(status: int, *, route: str = "stop/") -> int:
        before = len(caplog.records)
        request = RequestFactory().get("/")
        request.resolver_match = ResolverMatch(lambda _: None, (), {}, route=route)
        answered = load_shedding.request_metrics_middleware(lambda _: HttpResponse(status=status))
        for _ in range(70):
            answered(request)
        return len(caplog.records) - before

    assert [written(status) for status in (401, 403, 429, 404)] == [60, 60, 1, 0]
    assert [written(429), written(429, route="help/")] == [0, 1]
    now += 60
    assert [written(status) for status in (401, 403, 429)] == [60, 60, 1]


def test_a_place_is_not_given_back_while_they_are_counted() -> None:
    places = SlotPool()
    giving: list[threading.Thread] = []

    class Meddler:
        """Whoever is asked whose place it is has another given back meanwhile."""

        def __eq__(self, other: object) -> bool:
            if not giving:
                giving.append(threading.Thread(target=taken[1].release))
                giving[0].start()
                giving[0].join(0.2)
            return False

        def __hash__(self) -> int:
            return 1

    taken = [place for place in (places.take(9), places.take(9)) if place is not None]
    third = places.take(9, whose=Meddler())
    giving[0].join(10)
    assert (third is not None, places.taken_count) == (True, 2)
