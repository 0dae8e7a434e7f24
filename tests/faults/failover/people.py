"""People who stop through pages while servers die, and what they and a gateway hear meanwhile."""

import http.client
import json
import os
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count, pairwise
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings

from accounts.models import Line
from consent.domain.notices import build_stop_notice
from tests.faults.failover.nodes import Node
from tests.faults.fixtures import World
from tests.faults.invariants import Asker, make_question
from tests.people import signed_in

HANDS = 8
CSRF = "c" * 32
# Who meets an error page presses again.
AGAIN_AFTER_S = 0.3
GIVES_UP_AFTER_S = 120.0
PROBED_EVERY_S = 0.1


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, with their line."""

    line: Line
    session: str


def sign_in(lines: Sequence[Line]) -> list[Person]:
    cookies = (signed_in(line).client.cookies[settings.SESSION_COOKIE_NAME] for line in lines)
    return [Person(line, cookie.value) for line, cookie in zip(lines, cookies, strict=True)]


@dataclass
class Crowd(threading.Thread):
    """Everybody presses "stop all" in turn, at an even pace, until it is confirmed. An `asker` hears of each.

    `before`: how many of the asker's lines had stopped already. `confirmed`: the choice that each was led to.
    `refused`: what became of the tries that were not confirmed.
    """

    port: int
    people: Sequence[Person]
    a_second: float
    asker: Asker
    before: int = 0
    confirmed: dict[int, UUID] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._turns, self._lock = count(), threading.Lock()
        self._notice = build_stop_notice().digest

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(HANDS) as hands:
            list(hands.map(lambda _: self._one_hand(began), range(HANDS)))

    def longest_wait(self) -> float:
        """Seconds from one confirmed stop to the next, where they were farthest apart."""
        return max(after - before for before, after in pairwise(sorted(self.moments)))

    def _one_hand(self, began: float) -> None:
        while (turn := next(self._turns)) < len(self.people):
            time.sleep(max(0.0, began + turn / self.a_second - time.monotonic()))
            self._stop(self.people[turn])

    def _stop(self, person: Person) -> None:
        end = time.monotonic() + GIVES_UP_AFTER_S
        while not (led_to := self._press(person)):
            assert time.monotonic() < end, f"line {person.line.pk} could not stop: {self.refused}"
            time.sleep(AGAIN_AFTER_S)
        with self._lock:
            self.confirmed[person.line.pk] = UUID(led_to)
            self.moments.append(time.monotonic())
            while self._prefix() < len(self.people) and self.people[self._prefix()].line.pk in self.confirmed:
                self.asker.confirmed += 1

    def _prefix(self) -> int:
        """How many have all been confirmed, from the first on."""
        return self.asker.confirmed - self.before

    def _press(self, person: Person) -> str:
        """The choice that the page leads to; "" for an error, and for silence."""
        form = {"scope": "all", "ref": "", "notice": self._notice, "csrfmiddlewaretoken": CSRF}
        cookies = {settings.SESSION_COOKIE_NAME: person.session, settings.CSRF_COOKIE_NAME: CSRF}
        headers = {
            "Host": "localhost", "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        }  # fmt: skip
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            try:
                connection.request("POST", "/choices/stop/", urlencode(form), headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.refused[type(error).__name__] += 1
                return ""
        there = answer.headers.get("Location", "").split("/")
        if answer.status == http.HTTPStatus.FOUND and there[1:2] == ["choices"]:
            return there[2]
        self.refused[f"{answer.status} {'/'.join(there)}"] += 1
        return ""


class Probe(threading.Thread):
    """Asks all the time about a line that nobody stops: for how long is it denied what it may have?"""

    def __init__(self, world: World, line: Line, token: str) -> None:
        super().__init__(daemon=True)
        campaign = next(iter(world.partners.values())).campaign
        self._body = json.dumps({"evaluations": [make_question(campaign.ref, line, world)]}).encode()
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._url = f"{world.programs.base_url}/access/v1/evaluations"
        self._done = threading.Event()
        self.answers: list[tuple[float, str]] = []

    def run(self) -> None:
        while not self._done.wait(PROBED_EVERY_S):
            self.answers.append((time.monotonic(), self._ask()))

    def end(self) -> None:
        self._done.set()
        self.join()

    def longest_denial(self) -> float:
        """Seconds from one allow to the next, where they were farthest apart."""
        return max(after - before for before, after in pairwise(at for at, said in self.answers if said == "allowed"))

    def newest(self) -> str:
        return self.answers[-1][1] if self.answers else ""

    def _ask(self) -> str:
        try:
            request = urllib.request.Request(self._url, self._body, self._headers)
            with urllib.request.urlopen(request, timeout=5) as answer:
                (one,) = json.load(answer)["evaluations"]
        except OSError as error:
            return type(error).__name__
        return "allowed" if one["decision"] else str(one["context"]["reason"])


class AskerInside(Asker):
    """A gateway beside a database server, that has that server's network alone."""

    def on(self, node: Node) -> "AskerInside":
        self._network = node.network
        return self

    def run(self) -> None:
        network = os.open(self._network, os.O_RDONLY)
        os.setns(network, os.CLONE_NEWNET)
        os.close(network)
        super().run()
