"""What must hold after every fault, whatever it was: nothing lost, nothing doubled, no yes after a stop, one truth."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

import audit.queries
from accounts.models import Line
from audit.queries import database_clock
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice
from consent.workers import archive_comparison, archive_writing
from consent.workers.archive_comparison import find_missing
from partners.clients import checkpoint_places
from partners.domain import pairwise
from partners.models import Client
from partners.workers import checkpoints
from revocations.models import TO_PUSH, Order, State
from revocations.workers.delivery import delivery_rounds
from tests.faults.fixtures import World, a_token
from tests.faults.programs import get, until

ENDED = (State.ACKNOWLEDGED, State.COMPLETED, State.PARTIAL, State.SUPERSEDED)


class Asker(threading.Thread):
    """A gateway that keeps asking about lines, while everything falls over. `wrong`: what it was allowed after a stop.

    An answer counts against the stops that were confirmed before its question went out. `at`: whom it asks, if not the
    web server; `token`: by which it signs in, if not one of its own.
    """

    def __init__(self, world: World, lines: Sequence[Line], *, token: str = "", at: str = "") -> None:
        super().__init__(daemon=True)
        self._url = f"{at or world.programs.base_url}/access/v1/evaluations"
        self._token = token or a_token(Client.Kind.GATEWAY, "decisions:read")
        campaign = next(iter(world.partners.values())).campaign
        self._questions = [make_question(campaign.ref, line, world) for line in lines]
        self._done = threading.Event()
        self.confirmed = 0
        self.asked = 0
        self.wrong: list[int] = []

    def run(self) -> None:
        while not self._done.wait(0.05):
            stopped = self.confirmed
            if not stopped:
                continue
            answers = self._ask(self._questions[max(stopped - 50, 0) : stopped])
            self.asked += len(answers)
            self.wrong += [number for number, allowed in enumerate(answers) if allowed]

    def end(self) -> None:
        self._done.set()
        self.join()

    def _ask(self, questions: Sequence[object]) -> list[bool]:
        body = json.dumps({"evaluations": questions}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self._url, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return [one["decision"] for one in json.load(answer)["evaluations"]]
        except OSError:
            return []


def make_question(ref: str, line: Line, world: World) -> dict[str, object]:
    partner = next(one for one in world.partners.values() if one.campaign.ref == ref)
    asked = as_agreed(campaign=partner.campaign, line=str(line.carrier_id))
    return {
        "subject": {
            "type": "partner",
            "id": asked.aggregator,
            "properties": {"on_behalf_of": asked.provider, "campaign": asked.campaign},
        },
        "action": {"name": asked.scope, "properties": {"purpose": asked.purpose, "precision_m": asked.precision_m}},
        "resource": {"type": "line", "id": asked.line},
    }


def invariants(world: World, *, stopped: Sequence[Line], asker: Asker | None = None) -> None:
    """Check them all. `stopped`: every line whose person was told that it is stopped."""
    nothing_lost(world, stopped)
    partners_hold_what_the_gate_says(world, stopped)
    nothing_doubled(world)
    if asker is not None:
        assert asker.wrong == []
    result = audit.queries.verify_chains(since=None, until=None, signed={})
    assert result.fault is None
    assert not checkpoints.find_missing_events(place=checkpoint_places.place())
    # Whatever waits for the archive goes there, and then it holds every choice.
    archive_writing.write(now=timezone.now())
    assert (deciding.read_opening().is_open, archive_comparison.describe_missing_entries()) == (True, "")
    assert find_missing(now=timezone.now() + timedelta(hours=1)) == 0


def nothing_lost(world: World, stopped: Sequence[Line]) -> None:
    """Each confirmed stop is in the ledger and at the gate, and each partner was told of it."""
    ids = {line.pk for line in stopped}
    assert ids - set(Choice.objects.filter(kind=Choice.Kind.STOP).values_list("line_id", flat=True)) == set()
    for partner in world.partners.values():
        told = set(Order.objects.filter(contract_id=partner.contract.pk).values_list("line_id", flat=True))
        assert ids - told == set()
        asked = [as_agreed(campaign=partner.campaign, line=str(line.carrier_id)) for line in stopped]
        assert {answer.reason for answer in deciding.evaluate(questions=asked, for_release=True)} <= {"stopped_all"}


def partners_hold_what_the_gate_says(world: World, stopped: Sequence[Line]) -> None:
    """Each partner's newest word about each line is the gate's: nothing is allowed any more."""
    for name, partner in world.partners.items():
        received = get(f"{world.partners[name].url}/received")
        newest = sorted(received, key=lambda one: (one["epoch"], one["version"]))
        state = {one["sub"]: one["state"] for one in newest}
        subs = pairwise.list_subjects(line_ids=[line.pk for line in stopped], party_id=partner.party.pk)
        assert len(subs) == len(stopped)
        assert [sub for sub in subs.values() if state.get(sub) != []] == []


def nothing_doubled(world: World) -> None:
    """No partner carried an order out twice: it makes a receipt each time that it does."""
    for name in world.partners:
        made = Counter(one["order"] for one in get(f"{world.partners[name].url}/receipts"))
        assert [order for order, times in made.items() if times > 1] == []


def deliver_what_is_left(*, within_s: float = 60.0) -> None:
    """Until partners took everything. The clock is moved, not waited for: what still backs off is due ten hours on."""
    hours = iter(range(10, 10_000, 10))

    def all_taken() -> bool:
        if Order.objects.filter(state__in=TO_PUSH).exists():
            delivery_rounds.sweep(now=database_clock() + timedelta(hours=next(hours)))
        return not Order.objects.filter(state__in=TO_PUSH).exists()

    until(all_taken, within_s, lambda: str(Counter(Order.objects.values_list("state", "note"))))
