"""A receipt with partners' confirmations, as a file: every signature in it is checked, and only what we vouch for."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit.queries import database_clock
from consent.actions.without_account import stop_all_by_line
from consent.domain import receipts
from consent.models import Choice
from consent.queries.choices import choice_of
from consent.queries.receipts import receipt_of
from partners.domain import keys
from partners.models import SigningKey
from revocations.models import Order
from tests.fixtures import KEYS_SINCE
from tests.partners.outside import Outside, Signer
from tests.revocations.ordered import Ordered, dealt_with
from tests.revocations.scenes import Scene, allow, deliver, stamp, stop_all, the_order
from tests.revocations.signing import below, company

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

type File = dict[str, Any]


def the_file(ordered: Ordered, choice: Choice | None = None) -> File:
    """What somebody downloads of a choice on this line, the stop if no other is named."""
    choice = choice or Choice.objects.get(line_id=ordered.line.pk, kind="stop")
    row = choice_of(line_ids=[choice.line_id], choice_id=choice.id)
    assert row is not None
    found = receipt_of(line_id=row.line_id, choice_id=row.id, order_ids=row.order_ids, asks=row.asks)
    assert found is not None
    return receipts.file_of(receipt=found, at=database_clock())


def verify(file: File | list[object] | str, folder: Path) -> str:
    path, jwks, said = folder / "receipt.json", folder / "jwks.json", StringIO()
    path.write_text(file if isinstance(file, str) else json.dumps(file))
    jwks.write_text(json.dumps(keys.jwks(at=KEYS_SINCE + timedelta(days=1))))
    call_command("verify_receipt", str(path), jwks=jwks, stdout=said)
    return said.getvalue()


def test_a_partner_s_confirmation_and_those_below_it_verify(ordered: Ordered, outside: Outside, tmp_path: Path) -> None:
    road, signer = company(outside)
    silent, _ = company(outside, "FraudShield")
    dealt_with(ordered, road, silent)
    at = stamp(database_clock())
    ordered.sign(downstream=[below(road.uri, ordered.nested(signer)), below(silent.uri)])
    said = verify(the_file(ordered), tmp_path)
    partner = ordered.scene.party.uri
    assert "The receipt verifies." in said
    assert f"{partner} signed: completed. The confirmation verifies." in said
    for deed in ("Stop using", "Delete what is held", "Tell those who received it"):
        assert f"\n  {deed}: completed, by its word at {at[:4]}" in said
    assert f"  {road.uri} signed itself: completed. That verifies." in said
    assert f"  {silent.uri}: completed, by the word of {partner} alone." in said


def test_our_own_word_that_it_came_verifies(ordered: Ordered, tmp_path: Path) -> None:
    ordered.sign()
    file, partner = the_file(ordered), ordered.scene.party.uri
    (held,) = file["partner_receipts"]
    said = verify(file, tmp_path)
    assert f"{partner} signed: completed. The confirmation verifies.\n  It came on " in said
    alone = verify(held["completion"], tmp_path)
    assert "Our word that a confirmation came verifies." in alone
    assert f'"party": "{partner}"' in alone
    changed = held["completion"][:-9] + "AAAAAAAAA"
    with pytest.raises(CommandError, match="does not verify"):
        verify(changed, tmp_path)


def forge(file: File, ordered: Ordered) -> list[tuple[File, str]]:
    """The file with one thing changed, and what is said of it."""

    def ours(**claims: object) -> str:
        return keys.sign(use=SigningKey.Use.RECEIPT, claims={"iss": "x", "receipt": file["receipt"], **claims})

    def by_somebody_else(**claims: object) -> str:
        return Signer("x").sign({"iss": "x", **claims}, typ="whereabouts-receipt+jwt")

    first, held = file["partner_receipts"]
    about = {"party": ordered.scene.party.uri, "status": "completed", "received_at": "x", "sha256": "00"}
    forged = Signer(ordered.scene.party.uri).sign(ordered.claims(), kid=ordered.scene.signer.kid)
    made_up = {"party": "GeoBridge", "status": "completed", "token": forged}
    nothing: dict[str, Any] = {"confirmations": [], "keys": []}
    return [
        ({**file, "receipt": "WB-XXXX-XX"}, "the file calls itself WB-XXXX-XX"),
        ({**file, "partner_receipts": [made_up]}, "a confirmation that we never took about this choice"),
        ({name: part for name, part in file.items() if name != "partner_keys"}, "not the keys to check them by"),
        ({**file, "partner_keys": by_somebody_else(receipt=file["receipt"], **nothing)}, "does not verify"),
        ({**file, "partner_keys": ours(receipt="WB-XXXX-XX", **nothing)}, "the keys in it belong to another receipt"),
        ({"token": file["partner_keys"]}, "and no receipt"),
        ({"token": file["standing"]}, "and no receipt"),
        (
            {**file, "partner_receipts": [first, {**held, "completion": ours(completion=about)}]},
            "is about something else",
        ),
        ({**file, "partner_receipts": [first, {**held, "completion": by_somebody_else()}]}, "does not verify"),
        ({**file, "partner_receipts": [7]}, "should be a JSON object"),
        ({**file, "partner_receipts": [held]}, "other confirmations than we put into it"),
        ({**file, "partner_receipts": [made_up, first, held]}, "other confirmations than we put into it"),
        ({**file, "partner_receipts": [first, {**held, "status": "rejected"}]}, "is not what was signed"),
    ]


def test_what_is_changed_in_a_file_is_found(ordered: Ordered, tmp_path: Path) -> None:
    # What is not done has no word of ours.
    ordered.sign(status="in_progress", actions=[])
    assert [sorted(one) for one in the_file(ordered)["partner_receipts"]] == [["party", "status", "token"]]
    ordered.sign()
    file = the_file(ordered)
    assert "The confirmation verifies." in verify(file, tmp_path)
    for changed, says in forge(file, ordered):
        with pytest.raises(CommandError, match=says) as refusal:
            verify(changed, tmp_path)
        assert "\n" not in str(refusal.value)


def test_what_is_no_receipt_is_said_in_one_line(tmp_path: Path) -> None:
    for file in ("[]", "{}", '{"token": 7}', "x", "", '{"token": "a.b.c"}', "[" * 100_000, "\x00"):
        with pytest.raises(CommandError, match="this receipt does not verify") as refusal:
            verify(file, tmp_path)
        assert "\n" not in str(refusal.value), file


def test_a_receipt_holds_the_newest_order_s_confirmation(scene: Scene) -> None:
    line = scene.a_line()
    sent = [*stop_all(line), *allow(line, scene.campaign), *stop_all(line)]
    deliver(sent)
    ordered = Ordered(scene, line, sent[-1])
    ordered.sign()
    assert [the_order(order_id).state for order_id in sent] == ["superseded", "superseded", "completed"]
    first, allowed, last = Choice.objects.filter(line_id=line.pk).order_by("made_at")
    held = [the_file(ordered, one)["partner_receipts"] for one in (first, allowed, last)]
    assert [len(one) for one in held] == [1, 0, 1]


def test_the_link_without_an_account_names_no_company(scene: Scene, tmp_path: Path) -> None:
    """It opens to whoever has it: what companies signed is for whoever may see."""
    line = scene.a_line()
    token = stop_all_by_line(line_id=line.pk, at=database_clock())
    order = Order.objects.get(line_id=line.pk)
    deliver([order.id])
    ordered = Ordered(scene, line, order.id)
    link = f"/stop/progress/{token}/receipt.json"
    ordered.sign()
    assert len(the_file(ordered)["partner_receipts"]) == 1
    file = Client().get(link).json()
    assert (sorted(file), file["partner_receipts"]) == (["partner_receipts", "receipt", "token"], [])
    assert "The receipt verifies." in verify(file, tmp_path)
    partner = ordered.scene.party
    for page in (link, f"/stop/progress/{token}/"):
        text = Client().get(page).content.decode()
        assert partner.name not in text
        assert partner.uri not in text
