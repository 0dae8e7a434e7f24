"""The list of an ended agreement over the wire: for its partner alone, for a time, and never unnoticed."""

import gzip
import json
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client as Http

from audit.models import AuditEvent
from audit.queries import database_clock
from partners.actions.suspensions import suspend
from partners.domain import pairwise
from partners.models import Client
from revocations.actions.cohorts import ManifestExpired, NoSuchManifest, fetch_manifest
from revocations.domain.cohorts import digest
from revocations.models import Cohort
from tests.partners.outside import Outside
from tests.properties import undone
from tests.revocations.ended import Ended
from tests.revocations.receiver import a_token_of
from tests.revocations.scenes import a_scene, claims_of
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def fetch(ended: Ended, number: int, token: str) -> HttpResponse:
    response = Http().get(f"/ssf/manifests/{ended.cohort_id}/{number}", headers={"Authorization": f"Bearer {token}"})
    assert isinstance(response, HttpResponse)
    return response


def test_its_partner_fetches_the_index_and_its_shards(ended: Ended) -> None:
    party = ended.scene.party
    # Suspended, it still fetches what it owes.
    suspend(of="party", target_id=party.pk, actor=an_actor(), reason="Enough.", at=database_clock())
    token = a_token_of(party, "ssf.read")
    index = fetch(ended, 0, token)
    assert (index.status_code, index["Content-Type"], index["Cache-Control"]) == (200, "application/jwt", "no-store")
    told = ended.told.claims["event"]["manifest"]
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

    # Every fetch is written down.
    events = AuditEvent.objects.filter(action="manifest.fetched").order_by("pk")
    client_id = Client.objects.get(party=party).pk
    assert [(one.actor, one.target, one.detail) for one in events] == [
        (f"partner:{party.pk}", f"cohort:{ended.cohort_id}", {"number": number, "client": client_id})
        for number in (0, 1)
    ]


def test_to_anybody_else_and_beyond_it_nothing_is_there(ended: Ended, outside: Outside) -> None:
    own, other = ended.scene.party, a_scene(outside, "NorthLink").party
    with undone():
        Cohort.objects.filter(pk=ended.cohort_id).update(manifest_at=None)
        assert fetch(ended, 1, a_token_of(own, "ssf.read")).status_code == 404
    asked = [
        (0, a_token_of(other, "ssf.read"), 404), (1, a_token_of(other, "ssf.read"), 404),
        (2, a_token_of(own, "ssf.read"), 404), (10**9, a_token_of(own, "ssf.read"), 404),
        (0, "made-up", 401), (0, a_token_of(own, "receipts:write"), 403),
        (0, a_token_of(None, "decisions:read", kind="gateway"), 403),
    ]  # fmt: skip
    for number, token, status in asked:
        assert fetch(ended, number, token).status_code == status
    with pytest.raises(NoSuchManifest):
        fetch_manifest(party=None, cohort_id=ended.cohort_id, number=0, at=database_clock())
    assert AuditEvent.objects.filter(action="manifest.fetched").count() == 0


def test_after_its_time_it_is_gone(ended: Ended) -> None:
    expires_at = ended.cohort.manifest_expires_at
    assert expires_at is not None
    assert expires_at > ended.cohort.complete_by + timedelta(days=59)
    party, a_second = ended.scene.party, timedelta(seconds=1)
    assert fetch_manifest(party=party, cohort_id=ended.cohort_id, number=0, at=expires_at - a_second).content
    with pytest.raises(ManifestExpired):
        fetch_manifest(party=party, cohort_id=ended.cohort_id, number=0, at=expires_at)
    Cohort.objects.filter(pk=ended.cohort_id).update(manifest_expires_at=database_clock())
    assert fetch(ended, 0, a_token_of(party, "ssf.read")).status_code == 410
