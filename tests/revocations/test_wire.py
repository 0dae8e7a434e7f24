"""An order on the wire, by its letter."""

import re
from datetime import timedelta

import pytest
from django.conf import settings

from partners.domain import keys, pairwise
from partners.models import Party, SigningKey
from partners.primitives import tokens
from tests.factories import ROADSIDE, a_campaign, a_contract, a_party, an_approval
from tests.partners.outside import Answer, Outside
from tests.people import number_of
from tests.revocations.scenes import CHANGE, Scene, a_scene, claims_of, deliver, event_of, stop_all, the_order
from tests.walks.marks import written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
PUBLIC = {
    settings.BASE_URL, CHANGE, "iss_sub", "user", "denied", "Permission changed. See the current state.",
    "stop_use", "delete_held", "notify_downstream", "location-retrieval:read", "granted", "withdrawn", ROADSIDE,
}  # fmt: skip


@pytest.fixture
def scene(outside: Outside) -> Scene:
    return a_scene(outside)


def test_the_set_by_its_letter(scene: Scene) -> None:
    line = scene.a_line()
    (order_id,) = stop_all(line)
    assert deliver([order_id]) == {"acknowledged": 1}
    (asked,) = scene.outside.posted
    order, opened = the_order(order_id), tokens.peek(asked.body.decode())
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
    (order_id,) = stop_all(scene.a_line())
    deliver([order_id])
    (event,) = scene.events()
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


def test_nothing_in_it_names_the_number_or_our_own_ids(scene: Scene) -> None:
    line = scene.a_line()
    (order_id,) = stop_all(line)
    deliver([order_id])
    (asked,) = scene.outside.posted
    said = str(claims_of(asked.body))
    for secret in (*written(number_of(line)), line.carrier_id, str(order_id), line.account.carrier_id):
        assert secret not in said


def test_a_repeat_carries_the_same_claims(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    scene.outside.answers = [Answer(500)]
    deliver([order_id])
    deliver([order_id], after=timedelta(minutes=2))
    first, second = scene.tokens()
    assert first == second
    assert scene.outside.posted[0].body != scene.outside.posted[1].body


def values(claims: object) -> set[str]:
    """Every value in a token, however deep, epoch, version and rounded times apart."""
    if isinstance(claims, dict):
        times = {"iat", "toe", "event_timestamp", "stop_by", "complete_by", "since"}
        open_names = {"epoch", "version", "snapshot", *times}
        return set().union(*(values(value) for name, value in claims.items() if name not in open_names))
    if isinstance(claims, list):
        return set().union(*(values(value) for value in claims)) if claims else set()
    return {str(claims)}


def test_two_partners_tokens_for_one_stop_share_no_value_but_public_ones(scene: Scene) -> None:
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


def test_changes_name_only_this_agreement_s_campaigns(scene: Scene) -> None:
    line = scene.a_line()
    other = a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider"))
    an_approval(line, other)
    deliver(stop_all(line))
    (event,) = scene.events()
    assert "medalert" not in str(event)
