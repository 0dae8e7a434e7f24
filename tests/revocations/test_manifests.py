"""The list of an ended agreement over the wire: for its partner alone, for a time, and never unnoticed."""

import gzip
import json
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client as Http

from audit.models import AuditEvent
from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.domain import pairwise
from partners.models import Client, Party
from revocations.actions.cohorts import ManifestExpired, NoSuchManifest, fetch_manifest
from revocations.actions.suspend import suspend
from revocations.domain.cohorts import digest
from revocations.models import Cohort
from tests.partners.outside import Outside, Signer
from tests.revocations.ended import Ended, end
from tests.revocations.scenes import a_scene, claims_of
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def ended(outside: Outside) -> Ended:
    return end(a_scene(outside))


def token_of(party: Party | None, *, scopes: tuple[str, ...] = ("ssf.read",), kind: str = "aggregator") -> str:
    client = register_client(
        client_id=f"c-{party.pk if party else kind}",
        kind=Client.Kind(kind),
        public_jwk=dict(Signer("c").public),
        party=party,
        actor="system:test",
        at=database_clock(),
    )
    issued = issue_access_token(client=client, scopes=scopes, lifetime=timedelta(minutes=1), at=database_clock())
    return issued.token


def fetch(ended: Ended, number: int, token: str) -> HttpResponse:
    response = Http().get(f"/ssf/manifests/{ended.cohort_id}/{number}", headers={"Authorization": f"Bearer {token}"})
    assert isinstance(response, HttpResponse)
    return response


def test_its_partner_fetches_the_index_and_the_shards_that_it_names(ended: Ended) -> None:
    token = token_of(ended.scene.party)
    index = fetch(ended, 0, token)
    assert (index.status_code, index["Content-Type"], index["Cache-Control"]) == (200, "application/jwt", "no-store")
    told = ended.event.claims["event"]["manifest"]
    assert told["url"].endswith(f"/ssf/manifests/{ended.cohort_id}")
    assert digest(content=index.content) == told["sha-256"]
    claims = claims_of(index.content)
    (named,) = claims["shards"] if isinstance(claims["shards"], list) else []
    shard = fetch(ended, 1, token)
    assert (shard.status_code, shard["Content-Type"]) == (200, "application/x-ndjson+gzip")
    assert shard["Cache-Control"] == "no-store"
    assert named == {"number": 1, "lines": 3, "sha256": digest(content=shard.content)}
    subs = [json.loads(line)["sub"] for line in gzip.decompress(shard.content).splitlines()]
    known = pairwise.list_subjects(line_ids=[line.pk for line in ended.lines], party_id=ended.scene.party.pk)
    assert subs == sorted(known.values())
    assert claims["list_sha256"] == digest(content=gzip.decompress(shard.content))


def test_every_fetch_is_written_down(ended: Ended) -> None:
    token = token_of(ended.scene.party)
    for number in (0, 1, 1):
        fetch(ended, number, token)
    events = AuditEvent.objects.filter(action="manifest.fetched").order_by("pk")
    assert [(one.actor, one.target, one.detail) for one in events] == [
        (f"partner:{ended.scene.party.pk}", f"cohort:{ended.cohort_id}", {"number": number}) for number in (0, 1, 1)
    ]


def test_to_anybody_else_it_is_not_there(ended: Ended, outside: Outside) -> None:
    other = token_of(a_scene(outside, "NorthLink").party)
    for number in (0, 1):
        assert fetch(ended, number, other).status_code == 404
    assert AuditEvent.objects.filter(action="manifest.fetched").count() == 0


def test_what_is_not_part_of_it_is_not_there(ended: Ended) -> None:
    token = token_of(ended.scene.party)
    assert fetch(ended, 2, token).status_code == 404
    assert fetch(ended, 10**9, token).status_code == 404


def test_it_takes_the_scope(ended: Ended) -> None:
    assert fetch(ended, 0, "made-up").status_code == 401
    assert fetch(ended, 0, token_of(ended.scene.party, scopes=("receipts:write",))).status_code == 403
    assert fetch(ended, 0, token_of(None, scopes=("decisions:read",), kind="gateway")).status_code == 403


def test_before_the_list_is_whole_there_is_nothing(ended: Ended) -> None:
    Cohort.objects.filter(pk=ended.cohort_id).update(manifest_at=None)
    assert fetch(ended, 1, token_of(ended.scene.party)).status_code == 404


def test_after_its_time_it_is_gone(ended: Ended) -> None:
    expires_at = ended.cohort.manifest_expires_at
    assert expires_at is not None
    assert expires_at > ended.cohort.complete_by + timedelta(days=59)
    party, a_second = ended.scene.party, timedelta(seconds=1)
    assert fetch_manifest(party=party, cohort_id=ended.cohort_id, number=0, at=expires_at - a_second).content
    with pytest.raises(ManifestExpired):
        fetch_manifest(party=party, cohort_id=ended.cohort_id, number=0, at=expires_at)
    Cohort.objects.filter(pk=ended.cohort_id).update(manifest_expires_at=database_clock())
    assert fetch(ended, 0, token_of(party)).status_code == 410


def test_nobody_without_a_party_has_one(ended: Ended) -> None:
    with pytest.raises(NoSuchManifest):
        fetch_manifest(party=None, cohort_id=ended.cohort_id, number=0, at=database_clock())


def test_a_suspended_partner_still_fetches_what_it_owes(ended: Ended) -> None:
    party = ended.scene.party
    suspend(of="party", target_id=party.pk, actor=an_actor(), reason="Enough.", at=database_clock())
    token = token_of(party)
    assert [fetch(ended, number, token).status_code for number in (0, 1)] == [200, 200]
