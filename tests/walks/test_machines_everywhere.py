"""Another partner, the partner itself, the gateway, the carrier's feed: at every machine address, with real ids.

Each has a real token for all that its kind may do, and names what is another partner's: its stream, its manifest, the
run of its books, an order it was sent, its campaign, a subscriber's number. Nothing of it opens or changes.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from consent.actions.lines import terminate
from consent.models import ConsentRequest, DigestRun
from consent.queries import termination
from consent.workers.cohorts import build_manifests
from partners.actions.clients import register_client
from partners.domain import pairwise
from partners.models import Campaign, Party
from partners.models import Client as Machine
from revocations.actions.streams import create_stream
from revocations.domain.streams import RequestedStream
from revocations.models import Attempt, Cohort, Order, Stream, StreamEvent
from tests.factories import a_campaign, a_line, an_approval
from tests.partners.outside import Signer
from tests.staff import an_actor
from tests.walks import rows
from tests.walks.addresses import filled, patterns
from tests.walks.marks import found, whole
from tests.walks.world import ASKING, NUMBERS, World, a_machine, undone

WHO = ("another partner", "the partner itself", "the gateway", "the feed")
# By whom each may be told: the partner itself of itself.
MAY_SEE = {"another partner": {"other partner"}, "the partner itself": {"asking"}}
LATER = timedelta(minutes=2)
JSON, NDJSON, SECEVENT = "application/json", "application/x-ndjson", "application/secevent+jwt"


@dataclass(frozen=True)
class Case:
    """One request, and what it is answered: in the order of WHO."""

    name: str
    method: str
    answers: tuple[int, int, int, int]
    query: str = ""
    body: object = field(default_factory=dict)
    kind: str = JSON

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Machines:
    """The callers, and the ids that are the partner's own."""

    callers: dict[str, Client]
    ids: dict[str, str]
    everyone: World
    cohort_id: uuid.UUID
    stream_id: uuid.UUID
    run_id: uuid.UUID
    jti: str
    campaign: str

    def path(self, case: Case) -> str:
        ids = {"cohort_id": self.cohort_id, "number": 0}
        return filled(dict(patterns())[case.name], ids) + case.query

    def ask(self, who: str, case: Case) -> tuple[int, str]:
        with undone(self.callers[who]) as client:
            answer: HttpResponseBase = client.generic(
                case.method, self.path(case), case.content, content_type=case.kind
            )
            return answer.status_code, whole(answer)


@pytest.fixture(scope="module")
def machines(everyone: World) -> Machines:
    """One partner with something of everything, beside the walk's people."""
    now = timezone.now()
    party = Party.objects.get(name=ASKING[0])
    campaign = Campaign.objects.get(contract__aggregator=party)
    stream = create_stream(party=party, wanted=RequestedStream(), at=now)
    cohort = Cohort.objects.get(pk=_ended(campaign))
    run = DigestRun.objects.create(id=uuid.uuid4(), party_id=party.pk, received_at=now, differing=["0007"])
    ours = {"the gateway": _ours(Machine.Kind.GATEWAY), "the feed": _ours(Machine.Kind.FEED)}
    own, other = Machine.objects.get(party=party), Machine.objects.get(party__name="Otherwhile")
    return Machines(
        callers={
            "another partner": everyone.people["other partner"],
            "the partner itself": a_machine(own),
            **{who: a_machine(client) for who, client in ours.items()},
        },
        ids={"another partner": other.pk, "the partner itself": own.pk, **{who: one.pk for who, one in ours.items()}},
        everyone=everyone,
        cohort_id=cohort.pk,
        stream_id=uuid.UUID(str(stream["stream_id"])),
        run_id=run.id,
        jti=StreamEvent.objects.get(pk=cohort.event_id or "").jti,
        campaign=campaign.ref,
    )


def _ours(kind: Machine.Kind) -> Machine:
    return register_client(
        client_id=kind, kind=kind, public_jwk=dict(Signer(kind).public), party=None, actor="system:test",
        at=timezone.now(),
    )  # fmt: skip


def _ended(campaign: Campaign) -> uuid.UUID:
    """The list of another campaign of the same agreement, which has ended."""
    other, line = a_campaign(campaign.contract, campaign.lbs_provider), a_line()
    an_approval(line, other)
    pairwise.subject(line_id=line.pk, party_id=campaign.contract.aggregator_id)
    seen = termination.plan(of="campaign", target_id=other.pk, at=timezone.now())
    cohort = terminate(
        of="campaign", target_id=other.pk, actor=an_actor(), reason="Enough.", plan_digest=seen.digest,
        at=timezone.now(),
    )  # fmt: skip
    build_manifests(now=timezone.now() + LATER)
    return cohort.pk


def cases(machines: Machines) -> Iterator[Case]:
    """Every machine address, with what is the partner's and its subscriber's named in the request."""
    stream = str(machines.stream_id)
    line, party = machines.everyone.line, Party.objects.get(name=ASKING[0])
    question = {
        "subject": {"type": "partner", "id": party.uri, "properties": {"campaign": machines.campaign}},
        "action": {"name": "location-retrieval:read", "properties": {"purpose": "dpv:RequestedServiceProvision"}},
        "resource": {"type": "line", "id": line.carrier_id},
    }
    claim = {
        "id": "c-9", "msisdn": NUMBERS["owner"], "campaign": machines.campaign, "method": "sms",
        "captured_at": "2026-11-20T10:00:00Z", "captured_by": party.uri, "wording": "Yes", "language": "en",
        "evidence_ref": "e",
    }  # fmt: skip
    asked = {
        "phoneNumber": NUMBERS["owner"], "scopes": ["location-retrieval:read"], "requestCaptureUrl": True,
        "purpose": "dpv:RequestedServiceProvision", "campaign": machines.campaign,
    }  # fmt: skip
    held = {"run": str(machines.run_id), "as_of": timezone.now().isoformat(), "buckets": {"0007": []}}
    yield Case("evaluation", "POST", (403, 403, 200, 403), body=question)
    yield Case("evaluations", "POST", (403, 403, 200, 403), body={"evaluations": [question]})
    yield Case("api-disclosures", "POST", (403, 403, 200, 403), body="{}", kind=NDJSON)
    yield Case("api-lines", "POST", (403, 403, 403, 200), body="{}", kind=NDJSON)
    yield Case("api-approvals", "POST", (400, 200, 403, 403), body=claim)
    yield Case("consent-info", "POST", (403, 200, 403, 403), body=asked)
    yield Case("ssf_receipts", "POST", (400, 400, 403, 403), body="x.y.z", kind=SECEVENT)
    yield Case("ssf_poll", "POST", (200, 200, 403, 403), body={"ack": [machines.jti], "returnImmediately": True})
    yield Case("ssf_manifest", "GET", (404, 200, 403, 403))
    yield Case("ssf_manifest", "HEAD", (404, 200, 403, 403))
    yield Case("ssf_digest", "PUT", (404, 200, 403, 403), body=held)
    yield Case("ssf_streams", "GET", (404, 200, 403, 403), query=f"?stream_id={stream}")
    yield Case("ssf_streams", "HEAD", (404, 200, 403, 403), query=f"?stream_id={stream}")
    yield Case("ssf_streams", "POST", (201, 409, 403, 403))
    yield Case("ssf_streams", "PATCH", (404, 200, 403, 403), body={"stream_id": stream, "description": "x"})
    yield Case("ssf_streams", "PUT", (404, 200, 403, 403), body={"stream_id": stream})
    yield Case("ssf_streams", "DELETE", (404, 204, 403, 403), query=f"?stream_id={stream}")
    yield Case("ssf_status", "GET", (404, 200, 403, 403), query=f"?stream_id={stream}")
    yield Case("ssf_status", "HEAD", (404, 200, 403, 403), query=f"?stream_id={stream}")
    yield Case("ssf_status", "POST", (404, 200, 403, 403), body={"stream_id": stream, "status": "paused"})
    yield Case("ssf_verify", "POST", (404, 204, 403, 403), body={"stream_id": stream, "state": "s"})
    yield Case("oauth_token", "POST", (400, 400, 400, 400), body="client_id=" + Machine.objects.get(party=party).pk)


def test_each_gets_exactly_this_and_sees_nothing_that_is_another_s(machines: Machines) -> None:
    wrong: list[str] = []
    for case in cases(machines):
        for who, status in zip(WHO, case.answers, strict=True):
            answered, shown = machines.ask(who, case)
            if answered != status:
                wrong.append(f"{case.method} {case.name} as {who}: {answered}, not {status}: {shown[-200:]}")
            if foreign := found(machines.everyone.marks, shown) - MAY_SEE.get(who, set()):
                wrong.append(f"{case.method} {case.name} shows {who} what is another's: {sorted(foreign)}")
    assert wrong == []


def test_every_address_and_method_that_a_token_opens_is_walked(machines: Machines) -> None:
    taking = {(name, method) for name, by in rows.OTHER_PARTNER.items() for method in by}
    assert {(case.name, case.method.lower()) for case in cases(machines)} == taking | {("oauth_token", "post")}


def test_whatever_a_machine_has_written_names_it(machines: Machines) -> None:
    """The carrier's own machines act themselves; a partner's do for their company, and are named beside it."""
    since = {"since": (timezone.now() - timedelta(hours=1)).isoformat(), "returnImmediately": True}
    named = set[str]()
    for case in [*cases(machines), Case("ssf_poll", "POST", (200, 200, 403, 403), body=since)]:
        for who in WHO:
            before = {*AuditEvent.objects.values_list("pk", flat=True)}
            with undone(machines.callers[who]) as client:
                client.generic(case.method, machines.path(case), case.content, content_type=case.kind)
                for event in AuditEvent.objects.exclude(pk__in=before):
                    client_id = machines.ids[who]
                    told = (event.actor.partition(":")[0], event.detail.get("client"))
                    is_named = event.actor == f"client:{client_id}" or told == ("partner", client_id)
                    assert is_named, (case.name, event.action)
                    named.add(event.action)
    assert named > {"stream.created", "stream.changed", "stream.deleted", "manifest.fetched", "orders.recovered"}


def test_what_another_partner_asks_for_changes_nothing_of_the_partners(machines: Machines) -> None:
    party = Party.objects.get(name=ASKING[0])
    for case in cases(machines):
        with undone(machines.callers["another partner"]) as client:
            before = _state(party)
            client.generic(case.method, machines.path(case), case.content, content_type=case.kind)
            assert (case, _state(party)) == (case, before)


def _state(party: Party) -> tuple[object, ...]:
    return (
        list(Stream.objects.filter(party_id=party.pk).values()),
        list(StreamEvent.objects.filter(party_id=party.pk).values()),
        list(Order.objects.filter(party_id=party.pk).values()),
        list(DigestRun.objects.filter(party_id=party.pk).values()),
        list(Cohort.objects.filter(party_id=party.pk).values()),
        list(ConsentRequest.objects.order_by("id").values()),
        Attempt.objects.count(),
    )
