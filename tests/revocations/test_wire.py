"""An order on the wire, by its letter."""

import re
from datetime import timedelta

import pytest
from django.conf import settings

from partners.domain import keys, pairwise
from partners.models import Party, SigningKey
from partners.primitives import tokens
from tests.factories import ROADSIDE, a_campaign, a_contract, a_party, an_approval
from tests.partners.outside import Answer
from tests.people import number_of
from tests.revocations.scenes import CHANGE, Scene, a_scene, deliver, event_of, stop_all, the_order
from tests.walks.marks import written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
PUBLIC = {
    settings.BASE_URL, CHANGE, "iss_sub", "user", "denied", "Permission changed. See the current state.",
    "stop_use", "delete_held", "notify_downstream", "location-retrieval:read", "granted", "withdrawn", ROADSIDE,
}  # fmt: skip


def test_the_set_by_its_letter(scene: Scene) -> None:
    line = scene.a_line()
    (order_id,) = stop_all(line)
    scene.outside.answers = [Answer(500)]
    deliver([order_id])
    assert deliver([order_id], after=timedelta(minutes=2)) == {"acknowledged": 1}
    (first, again), (asked, repeated) = scene.tokens(), scene.outside.posted
    # A repeat carries the same claims.
    assert (first == again, asked.body == repeated.body) == (True, False)
    # Nothing in it names the number, or our own ids.
    for secret in (*written(number_of(line)), line.carrier_id, str(order_id), line.account.carrier_id):
        assert secret not in str(first)
    order, opened = the_order(order_id), tokens.parse_unverified(asked.body.decode())
    assert asked.headers["Content-Type"] == "application/secevent+jwt"
    assert (opened.typ, opened.alg) == ("secevent+jwt", "ES256")
    assert keys.verify_own(use=SigningKey.Use.ORDER, token=asked.body.decode()) == opened.claims
    minute = int(order.queued_at.replace(second=0, microsecond=0).timestamp())
    claims = dict(opened.claims)
    assert claims.pop("events") == {CHANGE: event_of(opened.claims)}
    assert claims == {
        "iss": settings.BASE_URL,
        "aud": scene.party.uri,
        "jti": order.jti,
        "iat": minute,
        "toe": minute,
        "txn": order.txn,
        "sub_id": {
            "format": "iss_sub",
            "iss": settings.BASE_URL,
            "sub": pairwise.subject(line_id=line.pk, party_id=scene.party.pk),
        },
    }


def test_the_event_by_its_letter(scene: Scene) -> None:
    line = scene.a_line()
    # Changes name this agreement's campaigns alone.
    an_approval(line, a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider")))
    order_ids = stop_all(line)
    deliver(order_ids)
    (event,) = scene.events()
    order_id = next(one for one in order_ids if the_order(one).party_id == scene.party.pk)
    order = the_order(order_id)
    since = order.queued_at.strftime("%Y-%m-%dT%H:%M:00Z")
    for time in ("stop_by", "complete_by"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", str(event.pop(time)))
    assert event == {
        "event_timestamp": int(order.queued_at.replace(second=0, microsecond=0).timestamp()),
        "initiating_entity": "user",
        "reason_admin": {"en": "Permission changed. See the current state."},
        "agreement": f"{settings.BASE_URL}/agreements/{scene.contract.ref}",
        "epoch": 1,
        "version": 1,
        "snapshot": True,
        "changes": [
            {
                "scopes": ["location-retrieval:read"],
                "purpose": ROADSIDE,
                "recipient": "https://roadaid.example",
                "from": "granted",
                "to": "withdrawn",
            }
        ],
        "state": [],
        "default": "denied",
        "required_actions": ["stop_use", "delete_held", "notify_downstream"],
        "duties": [
            {"action": action, "scope": {"all": True}, "since": since}
            for action in ("delete_held", "notify_downstream", "stop_use")
        ],
        "consent_record_id": f"urn:uuid:{order.record_id}",
    }


def values(claims: object) -> set[str]:
    """Every value in a token, however deep, epoch, version and rounded times apart."""
    if isinstance(claims, dict):
        times = {"iat", "toe", "event_timestamp", "stop_by", "complete_by", "since"}
        open_names = {"epoch", "version", "snapshot", *times}
        return set().union(*(values(value) for name, value in claims.items() if name not in open_names))
    if isinstance(claims, list):
        return set().union(*(values(value) for value in claims)) if claims else set()
    return {str(claims)}


def test_two_partners_tokens_share_only_public_values(scene: Scene) -> None:
    other = a_scene(scene.outside, "NorthLink")
    line = scene.a_line()
    an_approval(line, other.campaign)
    order_ids = stop_all(line)
    assert deliver(order_ids) == {"acknowledged": 2}
    (ours,), (theirs,) = scene.tokens(), other.tokens()
    shared = values(ours) & values(theirs)
    assert shared - PUBLIC - set(Party.objects.filter(kind="lbs_provider").values_list("uri", flat=True)) == {"True"}
    for name in ("iat", "toe"):
        assert int(str(ours[name])) % 60 == 0
