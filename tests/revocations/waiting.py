"""An order that waits for its partner, and what is noted when it waits too long."""

import uuid
from datetime import datetime, timedelta

from accounts.models import Line
from audit.models import Incident
from consent.actions import choices
from partners.models import Suspension
from revocations.actions.orders import enqueue_order
from revocations.domain.wire import Agreement
from revocations.models import Attempt, Cohort, Order, Pulse, State, Stream, StreamEvent
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import as_at_commit
from tests.gate_questions import ask
from tests.orders import bring_to

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Waiting:
    """A partner with one campaign, and a line that agreed and stopped: one order waits for the partner."""

    def __init__(self, *, lifeline: bool = False, name: str = "GeoBridge") -> None:
        self.party = a_party(name)
        self.contract = a_contract(self.party)
        self.campaign = a_campaign(self.contract, lifeline=lifeline)
        self.line, self.order = self.a_stop()
        self.began = self.order.queued_at

    def a_stop(self) -> tuple[Line, Order]:
        line = a_line()
        an_approval(line, self.campaign)
        choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        as_at_commit()
        return line, Order.objects.get(line_id=line.pk, party_id=self.party.pk)

    def a_stream(self, **changes: object) -> Stream:
        fields = {
            "id": uuid.uuid4(), "party_id": self.party.pk, "method": Stream.Method.POLL, "status_by": "officer:1",
            "status_at": self.began, "created_at": self.began, **changes,
        }  # fmt: skip
        return Stream.objects.create(**fields)

    def an_event(self, at: datetime, kind: StreamEvent.Kind = StreamEvent.Kind.COHORT, **changes: object) -> None:
        """By default the end of the contract, of which the partner was told."""
        fields = {"next_attempt_at": at, "claims": {}, **changes}
        StreamEvent.objects.create(
            id=uuid.uuid4(), party_id=self.party.pk, contract_id=self.contract.pk, kind=kind, jti=uuid.uuid4().hex,
            queued_at=at, **fields,
        )  # fmt: skip

    def a_cohort(self, **changes: object) -> Cohort:
        """The end of the contract, owed within ten days."""
        return Cohort.objects.create(
            id=uuid.uuid4(), of="contract", target_id=self.contract.pk, contract_id=self.contract.pk,
            party_id=self.party.pk, epoch=2, terminated_at=self.began, actor="officer:1", reason="over", plan={},
            complete_by=self.began + 10 * DAY, **changes,
        )  # fmt: skip

    def a_newer_order(self, at: datetime) -> Order:
        """For the same line, past the verbs."""
        use = {"scopes": ["s"], "purpose": "dpv:X", "recipient": "https://roadaid.example", "status": "granted"}
        agreement = Agreement(self.contract, [use], ())
        (made,) = enqueue_order(line_id=self.line.pk, agreements=[agreement], by="user", at=at).values()
        return Order.objects.get(id=made)

    def acknowledge(self, order: Order | None = None, **changes: object) -> None:
        fields = {"acknowledged_at": self.began + HOUR, **changes}
        state = str(fields.pop("state", State.ACKNOWLEDGED))
        bring_to(state, Order.objects.filter(pk=(order or self.order).pk), **fields)

    def tried(self, hours: float, outcome: str, detail: str = "", number: int = 1) -> None:
        Attempt.objects.create(
            line_id=self.line.pk, order_id=self.order.id, number=number, at=self.began + timedelta(hours=hours),
            outcome=outcome, detail=detail,
        )  # fmt: skip

    def says(self, line: Line) -> str:
        """The gate's word on the campaign for a line that agreed and did not stop."""
        return ask(line, self.campaign)


def run(since: datetime, until: datetime) -> None:
    """Our delivery ran in each of these minutes."""
    first = since.replace(second=0, microsecond=0)
    minutes = range(int((until - first) / MINUTE) + 1)
    Pulse.objects.bulk_create([Pulse(minute=first + n * MINUTE) for n in minutes], ignore_conflicts=True)


def denials() -> list[tuple[str, int, bool]]:
    return list(Suspension.objects.values_list("of", "target_id", "automatic"))


def incidents() -> list[tuple[str, int]]:
    return sorted(Incident.objects.values_list("kind", "count"))
