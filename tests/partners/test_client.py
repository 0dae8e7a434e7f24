"""The one door out."""

import errno
import gzip
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from urllib3.util.connection import create_connection

from partners.clients import http
from partners.policies.identifiers import host_of
from revocations.workers.delivery.verdicts import judge
from tests import forks
from tests.partners.fixtures import serving
from tests.partners.outside import Answer, Outside
from tests.partners.terminator import a_certificate

ACROSS_A_FORK = """
import os

import django

django.setup()
from partners.clients import http

url = os.environ["OUTSIDE"]
assert http.get(url=url).status == 404
child = os.fork()
assert http.get(url=url).status == 404
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert http.get(url=url).status == 404
"""


def sent(outside: Outside, **more: Any) -> http.Reply:
    return http.post(url=outside.url, body=b"x", content_type="text/plain", **more)


def test_what_is_sent_and_what_comes_back(outside: Outside) -> None:
    outside.answers = [Answer(503, b"later", {"Retry-After": "7"})]
    reply = http.post(url=f"{outside.url}/events", body=b"token", content_type="application/secevent+jwt")
    (asked,) = outside.posted
    assert (asked.path, asked.body) == ("/events", b"token")
    assert asked.headers["Content-Type"] == "application/secevent+jwt"
    assert (asked.headers["Accept"], asked.headers["User-Agent"]) == ("application/json", "whereabouts")
    assert (reply.status, reply.body, reply.retry_after, reply.taken) == (503, b"later", "7", False)
    http.get(url=outside.url)
    http.get(url=outside.url, headers={"Accept": "text/html"})
    sent(outside, headers={"Accept": "text/html"})
    assert [asked.headers["Accept"] for asked in outside.asked[1:]] == ["application/json", "text/html", "text/html"]


def test_a_connection_is_kept_and_no_cookie(outside: Outside) -> None:
    outside.answers = [Answer(202, headers={"Set-Cookie": "track=1; Path=/"})]
    for _ in range(5):
        assert sent(outside).status == 202
    assert (outside.connections, len(outside.posted)) == (1, 5)
    assert all("Cookie" not in asked.headers for asked in outside.posted)


def test_a_forked_process_speaks_on_connections_of_its_own(outside: Outside) -> None:
    env = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", "DOOR_OUT_LOOPBACK": "1", "OUTSIDE": outside.url
    }  # fmt: skip
    done = forks.run([sys.executable, "-c", ACROSS_A_FORK], cwd=forks.PROJECT, env=env)
    assert done.returncode == 0, done.stderr
    assert (outside.connections, len(outside.asked)) == (2, 4)


def test_redirects_are_only_answers(outside: Outside) -> None:
    there = ("https://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "/elsewhere", f"{outside.url}/elsewhere")
    outside.answers = [Answer(status, headers={"Location": one}) for status in (302, 307) for one in there]
    assert [sent(outside).status for _ in range(8)] == [302] * 4 + [307] * 4
    assert [asked.path for asked in outside.asked] == ["/"] * 8


def test_no_more_than_20_kb_of_an_answer_are_read(outside: Outside) -> None:
    """What is left of it on the way is nobody's next answer: its connection is not kept."""
    packed = gzip.compress(bytes(5_000_000))
    seen = []
    for body in (b"x" * 20_000, b"x" * 20_002, packed, b"x" * 5_000_000, b"x"):
        outside.answers = [Answer(200, body, {"Content-Encoding": "gzip"} if body == packed else {})]
        reply = sent(outside)
        seen.append((reply.status, reply.detail, reply.body == body, len(reply.body), outside.connections))
    assert seen == [
        (200, "", True, 20_000, 1), (200, "", False, 20_000, 1), (200, "", True, len(packed), 2),
        (200, "", False, 20_000, 2), (200, "", True, 1, 3),
    ]  # fmt: skip


def test_an_object_is_whole_or_too_long(outside: Outside) -> None:
    for size, detail in ((16_000_000, ""), (16_000_001, "the answer is too long")):
        outside.documents["/stops"] = bytes(size)
        reply = http.store(method="GET", url=f"{outside.url}/stops", headers={"Accept": "*/*"})
        assert (reply.status, reply.detail) == (200, detail)
    assert outside.asked[0].headers["Accept"] == "*/*"


def test_ten_seconds_are_for_a_partner_and_thirty_for_our_store(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def refuse(_address: object, timeout: float, **_named: object) -> None:
        given.append(timeout)
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    replies = [sent(outside), http.get(url=outside.url), http.store(method="GET", url=outside.url, headers={})]
    assert [reply.detail for reply in replies] == ["ConnectionError"] * 3
    # What little is gone by then.
    assert all(0 <= limit - seconds < 2 for limit, seconds in zip((10, 10, 30), given, strict=True)), given


def test_a_refused_connection_took_nothing(outside: Outside) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        reply = http.post(url=f"http://127.0.0.1:{closed.getsockname()[1]}", body=b"x", content_type="text/plain")
    assert (reply.status, reply.taken, reply.slow, reply.detail) == (None, False, False, "ConnectionError")


def test_a_server_that_hangs_up_took_nothing(outside: Outside) -> None:
    outside.answers = [Answer(0)]
    reply = sent(outside)
    assert (reply.status, reply.taken) == (None, False)


def test_half_an_answer_is_none(outside: Outside) -> None:
    outside.answers = [Answer(202, b"no chunk", {"Transfer-Encoding": "chunked"})]
    reply = sent(outside)
    assert (reply.status, reply.body, reply.detail) == (202, b"", "the answer broke off")


def test_a_server_that_keeps_silent_has_taken_it(outside: Outside) -> None:
    hold, arrived = threading.Event(), threading.Event()
    outside.answers, outside.on_post = [Answer(202, hold=hold)], lambda _: arrived.set()
    reply = sent(outside, seconds=0.5)
    assert arrived.wait(10)
    hold.set()
    assert (reply.status, reply.taken, reply.slow, reply.detail) == (None, True, True, "no answer in time")
    assert len(outside.posted) == 1


@pytest.fixture
def silent_tls(outside: Outside) -> Iterator[str]:
    """Where somebody takes connections and never says a word of TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://localhost:{listener.getsockname()[1]}"


def test_a_server_that_never_shakes_hands_has_taken_nothing(silent_tls: str) -> None:
    reply = http.post(url=silent_tls, body=b"token", content_type="text/plain", seconds=0.3)
    assert (reply.status, reply.taken, reply.slow, reply.detail) == (None, False, True, "no answer in time")
    assert judge(reply=reply).state is None


def test_what_is_sent_in_part_is_not_taken(silent_tls: str) -> None:
    nobody_reads = silent_tls.replace("https://localhost", "http://127.0.0.1")
    reply = http.post(url=nobody_reads, body=bytes(30_000_000), content_type="text/plain", seconds=0.3)
    assert (reply.status, reply.taken, reply.slow, reply.detail) == (None, False, True, "no answer in time")


def test_what_connecting_took_is_not_left_for_the_handshake(silent_tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up 0.2 s of 1 s, connecting 0.2 s: no step may wait for longer than was left when it began."""
    connected: list[tuple[float, socket.socket]] = []
    resolve, connect, nobody = socket.getaddrinfo, create_connection, threading.Event()

    def slow_name(*asked: Any, **named: Any) -> Any:
        nobody.wait(0.2)
        return resolve(*asked, **named)

    def slow_road(address: tuple[str, int], timeout: float, **named: Any) -> socket.socket:
        nobody.wait(0.2)
        connected.append((timeout, connect(address, timeout, **named)))
        return connected[0][1]

    monkeypatch.setattr(socket, "getaddrinfo", slow_name)
    monkeypatch.setattr("urllib3.util.connection.create_connection", slow_road)
    reply = http.get(url=silent_tls, seconds=1)
    assert (reply.status, reply.detail) == (None, "no answer in time")
    ((for_connecting, made),) = connected
    for_the_handshake = made.gettimeout()
    assert for_connecting <= 0.8
    assert for_the_handshake is not None
    assert 0 < for_the_handshake <= 0.6


NAME = "partner.example"


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[tuple[Outside, str]]:
    """A server that is known by name alone, as partners are: to the resolver, and to its certificate."""
    settings.DOOR_OUT_LOOPBACK, resolve = True, socket.getaddrinfo

    def look_up(host: str | None, *asked: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host in {NAME, f"other.{NAME}"} else host, *asked, **more)

    authority = a_certificate("CA", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(a_certificate("partner", tmp_path, by=authority, host=NAME).chain)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.chain))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with serving(context) as server:
        yield server, f"{NAME}:{server.server_address[1]}"


def test_a_partner_is_known_by_its_name(named: tuple[Outside, str]) -> None:
    server, place = named
    for n in range(2):
        reply = http.post(url=f"https://{place}/events", body=b"x", content_type="text/plain")
        assert (reply.status, reply.detail) == (202, ""), n
    assert ([one.headers["Host"] for one in server.posted], server.connections) == ([place, place], 1)


def test_a_certificate_of_another_name_is_refused(named: tuple[Outside, str]) -> None:
    server, place = named
    reply = http.post(url=f"https://other.{place}/events", body=b"x", content_type="text/plain")
    assert (reply.status, reply.taken, reply.detail, server.posted) == (None, False, "SSLError", [])


def test_a_connection_of_those_who_may_reach_inside_is_not_there_for_others(
    named: tuple[Outside, str], settings: Settings
) -> None:
    """Neither one of the operator's store nor one that is kept from when this machine was allowed."""
    server, place = named
    url = f"https://{place}/jwks.json"
    server.documents["/jwks.json"] = b"{}"
    assert http.get(url=url).status == 200
    settings.DOOR_OUT_LOOPBACK = False
    assert http.store(method="GET", url=url, headers={}).status == 200
    for is_ours in (False, True):
        assert http.get(url=url, is_ours=is_ours).detail == "the address is not a public one"
    assert len(server.asked) == 2


def test_an_answer_that_drips_on_is_cut_off(outside: Outside) -> None:
    """One byte at a time, each well within a socket's own time limit."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for byte in b"HTTP/1.1 202 Accepted\r\nX-Slow: " + b"x" * 100_000:
                if over.wait(0.05):
                    return
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    # Beside one that may last longer.
    with http.deadline(2 * http.SECONDS):
        reply = http.post(
            url=f"http://127.0.0.1:{listener.getsockname()[1]}", body=b"x", content_type="text/plain", seconds=0.5
        )
    took = time.monotonic() - began
    over.set()
    thread.join()
    listener.close()
    assert (reply.status, reply.taken) == (None, True)
    assert took < 0.8 * http.SECONDS


def test_an_exchange_that_is_done_is_not_ended() -> None:
    """Its connection may be kept, and in use by another by then."""

    class Connection:
        def __init__(self) -> None:
            self.ended = threading.Event()

        @property
        def sock(self) -> None:
            self.ended.set()

    first, second = Connection(), Connection()
    with http.deadline(0.5) as done:
        connection: Any = first
        done.connection = connection
    with http.deadline(0.6) as running:
        connection = second
        running.connection = connection
        assert second.ended.wait(10)
    assert not first.ended.is_set()


def test_a_socket_may_notice_first_that_the_time_is_over() -> None:
    """The thread that ends exchanges may come later than the socket whose time ran out at the same moment."""
    watch = http.Watch(time.monotonic())
    assert http.Watch(time.monotonic() + 60).over is False
    assert watch.over is True


NOT_PUBLIC = (
    "127.0.0.1", "localhost", "[::1]", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fd00::1]", "2130706433", "0x7f.1", "127.1",
    "[64:ff9b::7f00:1]", "224.0.0.1", "[fec0::1]", "[::127.0.0.1]", "[::8.8.8.8]", "[::ffff:0:127.0.0.1]",
    "[::ffff:0:8.8.8.8]", "[2002:7f00:1::]",
)  # fmt: skip
NOT_PLAIN_HTTPS = (
    "http://example.com/", "http://127.0.0.1/", "ftp://example.com/", "file:///etc/passwd", "", "https://", "//x",
    "https://user:secret@example.com/", "https://[broken/", "http://localhost.example.com/",
)  # fmt: skip


def test_what_is_not_public_or_not_plain_https_is_refused() -> None:
    for host in NOT_PUBLIC:
        reply = http.post(url=f"https://{host}/latest/meta-data", body=b"x", content_type="text/plain")
        assert (reply.status, reply.detail) == (None, "the address is not a public one"), host
    for url in NOT_PLAIN_HTTPS:
        reply = http.get(url=url)
        assert reply.status is None, url
        assert reply.detail.startswith("the address is not "), url


def test_a_name_that_resolves_inwards_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert http.get(url="https://partner.example/jwks.json").detail == "the address is not a public one"


def test_the_address_looked_at_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time gets no second look: the connection goes to the first answer."""
    connected: list[object] = []

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("198.41.0.4", 443))]

    def connect(address: object, *_: object, **__: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    assert http.get(url="https://partner.example/jwks.json").detail == "ConnectionError"
    assert connected == [("198.41.0.4", 443)]


@pytest.mark.parametrize("hangs", ["partner.example", "every name"])
def test_a_resolver_that_hangs_holds_nobody_for_long(hangs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every name it is our own resolver that hangs: no fault of the partner's."""
    over = threading.Event()

    def resolve(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if hangs in {host, "every name"}:
            over.wait(30)
            raise socket.gaierror
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    began = time.monotonic()
    reply = http.get(url="https://partner.example/jwks.json", seconds=0.3)
    took = time.monotonic() - began
    over.set()
    assert (reply.status, reply.detail, reply.taken, reply.slow) == (None, "no answer in time", False, True)
    assert reply.ours == (hangs == "every name")
    assert took < 0.8 * http.SECONDS


def test_a_kept_connection_is_not_looked_up_again(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that turns inwards later finds no open door: what is kept goes where it went, what is new is refused."""
    looked_up = []
    whole = socket.getaddrinfo

    def resolve(host: str, *more: Any, **named: Any) -> Any:
        looked_up.append(host)
        return whole(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for _ in range(3):
        assert sent(outside).status == 202
    assert (outside.connections, looked_up.count("127.0.0.1")) == (1, 2)  # once to judge it, once to connect to it


def test_only_the_hosts_of_the_list_are_spoken_to(outside: Outside) -> None:
    here = outside.url.removeprefix("http://")
    assert http.get(url=outside.url, hosts={here}).status == 404
    for hosts in ({"partner.example"}, {"127.0.0.1"}, {f"{here}0"}, set[str]()):
        assert http.get(url=outside.url, hosts=hosts).detail == "the address is not on the contract's list"
    assert len(outside.asked) == 1


def test_a_host_has_one_form() -> None:
    hosts = {
        "https://Partner.Example/x": "partner.example", "https://partner.example.:443/": "partner.example",
        "https://partner.example:8443/": "partner.example:8443", "http://localhost:9101/": "localhost:9101",
        "https://[2001:DB8::1]/": "[2001:db8::1]", "https://user@partner.example/": "partner.example",
        "https://partner.example:x/": "", "not a url": "", "": "",
    }  # fmt: skip
    assert {url: host_of(url) for url in hosts} == hosts


def test_many_threads_share_the_kept_connections(outside: Outside) -> None:
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: http.post(url=outside.url, body=b"x", content_type="a/b"), range(64)))
    assert {reply.status for reply in replies} == {202}
    assert (len(outside.posted), outside.connections <= 8) == (64, True)


def test_http_to_loopback_only_where_it_was_allowed(outside: Outside, settings: Settings) -> None:
    assert http.get(url=outside.url).status == 404
    here, inside = (f"https://{host}/events" for host in ("127.0.0.1", "10.0.0.1"))
    not_public = "the address is not a public one"
    assert [http.find_url_refusal(url=url) for url in (here, inside)] == ["", not_public]
    settings.DOOR_OUT_LOOPBACK = False
    assert http.get(url=outside.url).detail == "the address is not https"
    assert [http.find_url_refusal(url=url) for url in (here, inside)] == [not_public] * 2


def test_a_stranger_s_text_is_made_harmless_to_keep(outside: Outside) -> None:
    assert http.readable("ok \x1b[31mred\x00\n\u202ebad, très bien") == "ok  [31mred   bad, très bien"
    assert len(http.readable("x" * 900)) == 300
    names = ("Retry-After", "Content-Type", "Content-Language", "Location")
    outside.answers = [Answer(503, headers=dict.fromkeys(names, f"\x1b{'x' * 2000}"))]
    reply = sent(outside)
    told = (reply.retry_after, reply.content_type, reply.content_language, reply.location)
    assert told == tuple(" " + "x" * (length - 1) for length in (40, 100, 100, 1000))


# What fails in our own house is told apart from what fails at the other side.


def leads_nowhere(*_: object, **__: object) -> str:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def test_a_name_not_found_may_be_our_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partners.clients.http.filter_host", leads_nowhere)
    reply = http.get(url="https://partner.example/jwks.json")
    assert (reply.status, reply.ours, judge(reply=reply).outcome) == (None, False, "no_connection")
    # It may lead somewhere later.
    url = "https://partner.example/events"
    assert http.find_resolved_url_refusals(urls=[url], seconds=1) == {"": "", url: ""}
    settings.BASE_URL = "https://privacy.carrier.example"
    monkeypatch.setattr("socket.getaddrinfo", leads_nowhere)
    reply = http.get(url="https://partner.example/jwks.json")
    assert (reply.status, reply.detail, reply.ours) == (None, "ConnectionError", True)
    verdict = judge(reply=reply)
    assert (verdict.outcome, verdict.state, verdict.failed) == ("ours", None, False)


@pytest.mark.parametrize(
    ("number", "ours"),
    [
        *((one, True) for one in (errno.EMFILE, errno.ENFILE, errno.ENETDOWN, errno.ENOBUFS, errno.ENOMEM)),
        (errno.EADDRNOTAVAIL, True), (errno.ECONNREFUSED, False), (errno.ENETUNREACH, False),
    ],
)  # fmt: skip
def test_out_of_files_or_network_is_ours_a_refusal_not(
    outside: Outside, monkeypatch: pytest.MonkeyPatch, number: int, ours: bool
) -> None:
    def fails(*_: object, **__: object) -> socket.socket:
        raise OSError(number, "no")

    monkeypatch.setattr("urllib3.util.connection.create_connection", fails)
    reply = sent(outside)
    assert (reply.status, reply.ours) == (None, ours)
