"""Receipts about trial orders: judged like real ones, and kept apart from them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Model

from audit.queries import database_clock
from revocations.actions.receipts import record_receipt
from revocations.actions.trials import add_trial_manifest, add_trial_order, begin_trial, fetch_trial_shard
from revocations.domain.receipts import ReceiptRefused
from revocations.models import Receipt, Trial, TrialOrder, TrialReceipt, TrialShard
from revocations.workers import trials
from tests.moments import A_MOMENT
from tests.partners.outside import Outside
from tests.revocations.scenes import RECEIPT, Scene, a_scene, stamp

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
REQUIRED = ["stop_use", "delete_held"]
LIST = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"


def an_order(scene: Scene, **about: Any) -> TrialOrder:
    at = database_clock()
    trial = begin_trial(party=scene.party, actor="system:check_partner", at=at)
    given = {"epoch": 1, "version": 3, "required_actions": REQUIRED, **about}
    return add_trial_order(trial=trial, jti="order-1", at=at, **given)


def a_receipt(scene: Scene, *, jti: str = "r-1", order: str = "order-1", **said: object) -> str:
    now = database_clock()
    event: Mapping[str, object] = {
        "status": "completed",
        "applied": {"epoch": 1, "version": 3},
        "actions": [{"action": one, "status": "completed", "at": stamp(now)} for one in REQUIRED],
        "downstream": [{"recipient": "https://lbs-a.example", "status": "completed", "at": stamp(now)}],
        **said,
    }
    claims = {
        "iss": scene.party.uri, "aud": settings.BASE_URL, "jti": jti, "iat": int(now.timestamp()), "txn": "tx-1",
        "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": order}, "events": {RECEIPT: event},
    }  # fmt: skip
    return scene.signer.sign(claims)


def hand_in(scene: Scene, token: str) -> None:
    record_receipt(token=token, party=scene.party, at=database_clock())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"applied": {"epoch": 1, "version": 2}}, "applied must be at least the order's (epoch, version)"),
    ({"actions": []}, "the required action stop_use is not there as completed"),
    ({"status": "done"}, "Invalid enum value 'done' - at `$.status`"),
]


def test_a_receipt_of_a_trial_is_kept_apart(scene: Scene, outside: Outside) -> None:
    an_order(scene)
    other = a_scene(outside, "NorthLink")
    with pytest.raises(ReceiptRefused, match="no order of this jti was ever sent to you"):
        hand_in(other, a_receipt(other))
    assert not TrialReceipt.objects.exists()
    token = a_receipt(scene)
    hand_in(scene, token)
    hand_in(scene, token)
    kept = TrialReceipt.objects.get()
    assert (kept.status, kept.fault, kept.times, kept.downstream, kept.signed) == (
        "completed", "", 2, ["https://lbs-a.example"], 0,
    )  # fmt: skip
    assert not Receipt.objects.exists()
    with pytest.raises(ReceiptRefused, match="this jti was used for another receipt"):
        hand_in(scene, a_receipt(scene, status="in_progress"))
    for n, (said, fault) in enumerate(WRONG):
        with pytest.raises(ReceiptRefused):
            hand_in(scene, a_receipt(scene, jti=f"wrong-{n}", **said))
        assert TrialReceipt.objects.get(jti=f"wrong-{n}").fault == fault
    scene.signer.key = type(scene.signer.key).generate_key("P-256")
    with pytest.raises(ReceiptRefused, match="no key with this kid"):
        hand_in(scene, a_receipt(scene, jti="r-2"))


def test_a_cohorts_has_its_counts(scene: Scene) -> None:
    an_order(scene, version=0, subject_count=3, list_sha256=LIST)
    applied = {"epoch": 1, "version": 0}
    wrong: list[dict[str, Any]] = [
        {}, {"acted_on": 2, "list_sha256": LIST}, {"acted_on": 3, "list_sha256": LIST[::-1]},
    ]  # fmt: skip
    for n, counts in enumerate(wrong):
        with pytest.raises(ReceiptRefused):
            hand_in(scene, a_receipt(scene, jti=f"r-{n}", applied=applied, **counts))
    hand_in(scene, a_receipt(scene, jti="r-3", applied=applied, acted_on=3, list_sha256=LIST))
    assert [one.jti for one in TrialReceipt.objects.filter(fault="")] == ["r-3"]
    assert TrialReceipt.objects.count() == 4


def test_a_list_is_its_partners_alone(scene: Scene, outside: Outside) -> None:
    order = an_order(scene)
    add_trial_manifest(trial=order.trial, manifest_id=order.trial_id, parts=[b"index", b"names"])
    at = database_clock()
    other = a_scene(outside, "NorthLink").party
    assert fetch_trial_shard(party=other, manifest_id=order.trial_id, number=0, at=at) is None
    assert TrialShard.objects.filter(fetched_at__isnull=False).count() == 0
    assert fetch_trial_shard(party=scene.party, manifest_id=order.trial_id, number=1, at=at) == b"names"
    assert [shard.number for shard in TrialShard.objects.filter(fetched_at=at)] == [1]


def test_old_trials_are_forgotten_with_all_that_is_theirs(scene: Scene) -> None:
    order = an_order(scene)
    hand_in(scene, a_receipt(scene))
    add_trial_manifest(trial=order.trial, manifest_id=order.trial_id, parts=[b"index"])
    end = order.queued_at + timedelta(days=90)
    of_a_trial: list[type[Model]] = [Trial, TrialOrder, TrialReceipt, TrialShard]

    def left(at: datetime) -> list[bool]:
        trials.forget(now=at)
        return [model._default_manager.exists() for model in of_a_trial]

    assert left(end - A_MOMENT) == [True] * 4
    assert left(end) == [False] * 4
