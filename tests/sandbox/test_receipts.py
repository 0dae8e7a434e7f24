"""What is done about an order, and the signed word about it."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.sandbox.carrier import FRAUD, LBS, STOP_ALL, Carrier, change, granted
from tests.sandbox.conftest import Start
from tests.sandbox.process import DOWNSTREAM, URI, Partner, until


def test_a_stop_is_carried_out_and_signed_for(partner: Partner, carrier: Carrier) -> None:
    before = datetime.now(UTC)
    claims = carrier.claims(URI, version=6, changes=[change("granted", "withdrawn")])
    assert partner.push(carrier.sign(claims)).status_code == 202
    event = partner.receipt()
    whole = partner.opened(carrier.handed[0].token)
    assert {name: whole[name] for name in ("iss", "aud", "txn", "sub_id")} == {
        "iss": URI,
        "aud": carrier.base_url,
        "txn": claims["txn"],
        "sub_id": {"format": "jwt_id", "iss": carrier.base_url, "jti": claims["jti"]},
    }
    assert set(whole) == {"iss", "aud", "jti", "iat", "toe", "txn", "sub_id", "events"}
    assert (event["status"], event["applied"]) == ("completed", {"epoch": 1, "version": 6})
    assert [(one["action"], one["status"], one.get("records")) for one in event["actions"]] == [
        ("stop_use", "completed", None),
        ("delete_held", "completed", 12),
        ("notify_downstream", "completed", None),
    ]
    times = [datetime.fromisoformat(one["at"]) for one in (*event["actions"], *event["downstream"])]
    assert all(before <= at <= datetime.now(UTC) for at in times)
    (standing,) = partner.get("/state")
    assert (standing["held"], standing["allowed"], standing["carried_out"]) == (0, [], True)


def test_each_company_below_signs_with_its_own_key_and_names_our_order(partner: Partner, carrier: Carrier) -> None:
    jti = partner.order(version=3)
    event = partner.receipt()
    assert [one["recipient"] for one in event["downstream"]] == [*DOWNSTREAM]
    published = {one["uri"]: one["jwks_uri"] for one in partner.get("/healthz")["downstream"]}
    assert [*published] == [*DOWNSTREAM]
    own_numbers = set()
    for one in event["downstream"]:
        claims = partner.opened(one["receipt"], keys=published[one["recipient"]].removeprefix(partner.base_url))
        assert (claims["iss"], claims["aud"], claims["sub_id"]["iss"]) == (one["recipient"], URI, URI)
        below = claims["events"][carrier.receipt]
        assert (below["status"], below["root"]) == ("completed", {"iss": carrier.base_url, "jti": jti})
        assert [done["action"] for done in below["actions"]] == ["stop_use", "delete_held"]
        own_numbers |= {claims["jti"], claims["txn"], claims["sub_id"]["jti"]}
    assert len(own_numbers) == 6
    assert jti not in own_numbers


def test_whoever_an_order_withdraws_is_named_if_its_key_is_elsewhere_too(partner: Partner, carrier: Carrier) -> None:
    changes = [change("granted", "withdrawn", one) for one in (LBS, "https://new.example", "https://new.example", URI)]
    kept = change("withdrawn", "granted", "https://kept.example")
    partner.push(carrier.sign(carrier.claims(URI, version=4, changes=[*changes, kept])))
    told = partner.receipt()["downstream"]
    assert [(one["recipient"], one["status"], "receipt" in one) for one in told] == [
        *((one, "completed", True) for one in DOWNSTREAM), ("https://new.example", "completed", False),
    ]  # fmt: skip


def test_it_signs_in_by_a_one_use_assertion(start: Start, carrier: Carrier, tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256")
    file = tmp_path / "client.pem"
    file.write_bytes(key.as_pem(private=True))
    partner = start("--key-file", str(file))
    carrier.receipts_status = 401
    partner.order()
    carrier.wait_for(lambda: len(carrier.handed) >= 2)
    carrier.receipts_status = 202
    seen = []
    for form in carrier.assertions[:2]:
        assertion = form.pop("client_assertion")[0]
        assert form == {
            "grant_type": ["client_credentials"],
            "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
            "scope": ["receipts:write"],
        }
        claims = jwt.decode(assertion, key, algorithms=["ES256"]).claims
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("meridian", "meridian", carrier.base_url)
        assert claims["exp"] - claims["iat"] == 60
        seen.append(claims["jti"])
    assert len({*seen}) == 2
    # A refused access token is not used again.
    assert [one.bearer for one in carrier.handed[:2]] == ["at-1", "at-2"]
    assert {one.content_type for one in carrier.handed} == {"application/secevent+jwt"}


def test_an_order_that_asks_nothing_gets_no_receipt(partner: Partner, carrier: Carrier) -> None:
    partner.order(sub="k1.allows", state=[granted()], required=[])
    stop = partner.order(sub="k1.stops")
    partner.receipt()
    assert [one["order"] for one in partner.get("/receipts")] == [stop]
    assert len(carrier.handed) == 1


def test_it_tries_until_the_same_bytes_are_taken(partner: Partner, carrier: Carrier) -> None:
    carrier.receipts_status = 503
    partner.order()
    carrier.wait_for(lambda: len(carrier.handed) == 2)
    carrier.receipts_status = 202
    until(lambda: [one["state"] for one in partner.get("/receipts")] == ["accepted"])
    assert len({one.token for one in carrier.handed}) == 1
    (receipt,) = partner.get("/receipts")
    answers = [one["answer"] for one in receipt["answers"]]
    assert answers[:2] == ["503 {}", "503 {}"]
    assert answers[-1] == "202 {}"


def test_only_the_newest_order_is_answered(partner: Partner, carrier: Carrier) -> None:
    carrier.receipts_status = 503
    partner.order(version=1)
    carrier.wait_for(lambda: len(carrier.handed) == 1)
    newest = partner.order(version=2)
    carrier.receipts_status = 202
    until(lambda: [one["state"] for one in partner.get("/receipts")] == ["superseded", "accepted"])
    assert partner.opened(carrier.handed[-1].token)["sub_id"]["jti"] == newest


def test_a_duty_outlives_the_stop_that_laid_it(partner: Partner) -> None:
    """Stop all while the partner was away, then allow one: the one order that arrives still says delete."""
    now = datetime.now(UTC)
    partner.order(
        version=8, iat=int(now.timestamp()) - 3600, state=[granted()], changes=[change("granted", "granted")],
        duties=[{"action": name, "scope": {"all": True}, "since": "2026-01-01T00:00:00Z"} for name in STOP_ALL],
    )  # fmt: skip
    first = partner.receipt()
    # All twelve came after the day that the duty names.
    assert first["actions"][1]["records"] == 0
    partner.order(
        version=9,
        state=[granted()],
        duties=[{"action": name, "scope": {"all": True}, "since": now.isoformat()} for name in STOP_ALL],
    )
    assert partner.receipt(1)["actions"][1]["records"] == 12
    standing = partner.get("/state")[0]
    assert standing["allowed"] == [{"recipient": LBS, "purpose": FRAUD, "scopes": ["location-retrieval:read"]}]


@pytest.mark.parametrize(
    ("scope", "deleted"),
    [
        ({"recipient": LBS}, 24),
        ({"purpose": FRAUD}, 24),
        ({"recipient": LBS, "purpose": FRAUD}, 12),
        ({"recipient": "https://nobody.example"}, 0),
        ({"all": True}, 36),
        ({"something": "new"}, 36),
        (None, 36),
    ],
)
def test_a_duty_covers_its_scope_and_in_doubt_everything(
    shared: Partner, scope: dict[str, object] | None, deleted: int
) -> None:
    ads = "dpv:DirectMarketing"
    jti = shared.order(
        sub=f"k1.{uuid.uuid4().hex}",
        changes=[
            change("granted", "withdrawn"),
            change("granted", "withdrawn", purpose=ads),
            change("granted", "withdrawn", "https://lbs-b.example"),
        ],
        required=["delete_held"],
        duties=[{"action": "delete_held", "scope": scope, "since": datetime.now(UTC).isoformat()}],
    )
    (done,) = shared.receipt_of(jti)["actions"]
    assert (done["action"], done["records"]) == ("delete_held", deleted)


def test_an_unknown_action_is_not_claimed_and_denies_everything(shared: Partner) -> None:
    jti = shared.order(sub="k1.burn", state=[granted()], required=["stop_use", "burn_tapes"])
    event = shared.receipt_of(jti)
    assert (event["status"], event["reason"]) == ("rejected", "unknown_action")
    assert [(one["action"], one["status"]) for one in event["actions"]] == [
        ("stop_use", "completed"),
        ("burn_tapes", "rejected"),
    ]
    standing = shared.standing("k1.burn")
    assert (standing["allowed"], standing["in_use"]) == ([], 0)


def test_a_pause_tells_the_companies_below_to_stop_not_to_delete(shared: Partner) -> None:
    event = shared.receipt_of(shared.order(sub="k1.pauses", required=["stop_use", "notify_downstream"]))
    below = event["downstream"][0]
    claims = shared.opened(below["receipt"], keys="/downstream/lbs-a.example/jwks.json")
    assert [one["action"] for one in claims["events"][shared.carrier.receipt]["actions"]] == ["stop_use"]
    assert shared.standing("k1.pauses")["held"] == 12


def test_nothing_personal_is_logged(partner: Partner, carrier: Carrier) -> None:
    carrier.receipts_status = 503
    jti = partner.order(sub="k1.somebody-in-particular")
    carrier.wait_for(lambda: len(carrier.handed) == 2)
    assert partner.push("nonsense k1.somebody-in-particular").status_code == 400
    carrier.receipts_status = 202
    until(lambda: [one["state"] for one in partner.get("/receipts")] == ["accepted"])
    log = partner.log()
    assert "receipt not taken: 503 {}" in log
    assert [secret for secret in ("somebody", jti, "AGR-1") if secret in log] == []


def test_receipts_are_listed_with_what_was_signed(partner: Partner, carrier: Carrier) -> None:
    jti = partner.order()
    until(lambda: [one["state"] for one in partner.get("/receipts")] == ["accepted"])
    (row,) = partner.get("/receipts")
    shown: dict[str, Any] = {name: row[name] for name in ("order", "epoch", "version", "status", "tries", "token")}
    assert shown == {
        "order": jti, "epoch": 1, "version": 1, "status": "completed", "tries": 1, "token": carrier.handed[0].token,
    }  # fmt: skip
    assert "somebody" not in json.dumps(row)
