"""A release while people stop: web processes and workers restarted one after the other, and nobody sees an error.

As docs/guides/upgrade.md says: take one out, end it (SIGTERM), start it, wait until it answers, put it back; next.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connections

from accounts.models import Line, TextedCode
from accounts.primitives.sealing import unseal
from consent.models import Choice
from revocations.models import TO_PUSH, Order
from tests.faults.balancer import Balancer, balanced
from tests.faults.fixtures import World
from tests.faults.programs import START_WITHIN_S, Program, answering, free_port, until
from tests.people import number_of
from tools.bench.crowd import PageLog, stop
from tools.demo.processes import answers

PEOPLE, LINES = 3, 300


def two_webs(world: World) -> list[Program]:
    """Two web processes of the same settings, which show pages as they are: the demo's would want them collected."""
    first = next(one for one in world.programs.all if one.name == "web")
    # Started in the usual way: what it would be forked from has read the demo's settings.
    first.environment, first.forked = {**first.environment, "WHEREABOUTS_DEMO": "0"}, ""
    restarted(first)
    port = free_port()
    command = [str(port) if part == str(first.port) else part for part in first.command]
    second = world.programs.add("web-2", *command, port=port)
    second.environment = first.environment
    restarted(second)
    for web in (first, second):
        answering(web)
    return [first, second]


def restarted(program: Program) -> None:
    """Ended as a service manager does it, and started again once it is gone."""
    assert program.process is not None
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(START_WITHIN_S)
    program.start()


def released(program: Program, balancer: Balancer) -> None:
    """One web process, by the book. What waits to be taken when a listener closes is reset: none may."""
    balancer.take_out(program.port)
    until(lambda: balancer.going[program.port] == 0, START_WITHIN_S)
    restarted(program)
    answering(program)
    balancer.put_back(program.port)


def more_came(balancer: Balancer) -> None:
    """Wait for ten requests more."""
    wanted = sum(balancer.served.values()) + 10
    until(lambda: sum(balancer.served.values()) >= wanted, START_WITHIN_S)


def code(number: str, lines: dict[str, int]) -> str:
    newest = TextedCode.objects.filter(line_id=lines[number], used_at__isnull=True).latest("made_at")
    return unseal(newest.code_sealed)


class People:
    """A few people at a time, each stopping one line after the other without an account, until the release is over."""

    def __init__(self, lines: list[Line], balancer: Balancer) -> None:
        self.seen, self.over, self.stopped = PageLog(), threading.Event(), 0
        self._port, self._lock = balancer.port, threading.Lock()
        self._lines = {number_of(line): line.pk for line in lines}
        self._numbers = iter(self._lines)

    def stop(self) -> None:
        """One of them, until it is over or nobody is left who has not stopped."""
        while not self.over.is_set():
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                break
            stop(port=self._port, seen=self.seen, number=number, code=lambda asked: code(asked, self._lines))
            with self._lock:
                self.stopped += 1
        connections.close_all()

    @contextmanager
    def coming(self) -> Iterator[None]:
        """While they come."""
        going = [threading.Thread(target=self.stop) for _ in range(PEOPLE)]
        for thread in going:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in going:
                thread.join()


def test_people_go_home_when_every_line_is_stopped() -> None:
    people = People([], Balancer([]))
    people.stop()
    assert people.stopped == 0


def test_a_request_is_counted_until_its_answer_was_read() -> None:
    answer = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing."""

        def do_GET(self) -> None:
            answer.wait(20)
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as web:
        threading.Thread(target=web.serve_forever, args=(0.01,)).start()
        with balanced(web.server_port) as balancer:
            asking = threading.Thread(target=answers, kwargs={"port": balancer.port, "path": "/"})
            asking.start()
            until(lambda: balancer.served[web.server_port] == 1, 20)
            balancer.take_out(web.server_port)
            assert balancer.going[web.server_port] == 1
            answer.set()
            asking.join()
            assert balancer.going[web.server_port] == 0
        web.shutdown()


@pytest.mark.nightly
def test_a_release_under_load_fails_no_stop(world: World) -> None:
    lines = [world.a_line() for _ in range(LINES)]
    webs = two_webs(world)
    workers = [world.programs.worker(name) for name in ("one", "two")]
    before = [one.process for one in (*webs, *workers)]
    with balanced(*(web.port for web in webs)) as balancer:
        people = People(lines, balancer)
        with people.coming():
            for web, worker in zip(webs, workers, strict=True):
                more_came(balancer)
                released(web, balancer)
                more_came(balancer)
                restarted(worker)
            more_came(balancer)
    assert balancer.lost == []
    assert [page for page in people.seen.pages if page[1] >= 400] == []
    assert all(new is not old for new, old in zip([one.process for one in (*webs, *workers)], before, strict=True))
    assert min(balancer.served[web.port] for web in webs) > 0
    assert Choice.objects.filter(kind=Choice.Kind.STOP, scope="all").count() == people.stopped
    until(lambda: not Order.objects.filter(state__in=TO_PUSH).exists(), 60)
    assert Order.objects.count() == people.stopped * len(world.partners)
