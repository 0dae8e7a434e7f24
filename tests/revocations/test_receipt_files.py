"""A receipt with partners' confirmations, as a file: every signature in it is checked, and only what we vouch for."""

import json
from collections.abc import Callable
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
from tests.revocations.ordered import Ordered, company, dealt_with, nested
from tests.revocations.scenes import Scene, a_scene, allow, deliver, stamp, stop_all, the_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

type File = dict[str, Any]


@pytest.fixture
def scene(outside: Outside) -> Scene:
    return a_scene(outside)


@pytest.fixture
def ordered(scene: Scene) -> Ordered:
    line = scene.a_line()
    (order_id,) = stop_all(line)
    deliver([order_id])
    return Ordered(scene, line, order_id)


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
    ordered.sign(
        downstream=[
            {"recipient": road.uri, "status": "completed", "at": at, "receipt": nested(ordered, signer)},
            {"recipient": silent.uri, "status": "completed", "at": at},
        ]
    )
    said = verify(the_file(ordered), tmp_path)
    partner = ordered.scene.party.uri
    assert "The receipt verifies." in said
    assert f"{partner} signed: completed. The confirmation verifies." in said
    for deed in ("Stop using", "Delete what is held", "Tell those who received it"):
        assert f"\n  {deed}: completed, by its word at {at[:4]}" in said
    assert f"  {road.uri} signed itself: completed. That verifies." in said
    assert f"  {silent.uri}: completed, by the word of {partner} alone." in said


def test_our_own_word_that_it_came_verifies_in_the_file_and_by_itself(ordered: Ordered, tmp_path: Path) -> None:
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


def test_what_is_not_done_has_no_word_of_ours(ordered: Ordered) -> None:
    ordered.sign(status="in_progress", actions=[])
    assert [sorted(one) for one in the_file(ordered)["partner_receipts"]] == [["party", "status", "token"]]


def our_word_about_another(file: File, ordered: Ordered) -> File:
    (held,) = file["partner_receipts"]
    about = {"party": ordered.scene.party.uri, "status": "completed", "received_at": "x", "sha256": "00"}
    claims = {"iss": "x", "receipt": file["receipt"], "completion": about}
    return {**file, "partner_receipts": [{**held, "completion": keys.sign(use=SigningKey.Use.RECEIPT, claims=claims)}]}


def our_word_by_somebody_else(file: File, ordered: Ordered) -> File:
    (held,) = file["partner_receipts"]
    return {**file, "partner_receipts": [{**held, "completion": Signer("x").sign({}, typ="whereabouts-receipt+jwt")}]}


def another_number(file: File, ordered: Ordered) -> File:
    return {**file, "receipt": "WB-XXXX-XX"}


def a_made_up_confirmation(file: File, ordered: Ordered) -> File:
    forged = Signer(ordered.scene.party.uri).sign(ordered.claims(), kid=ordered.scene.signer.kid)
    return {**file, "partner_receipts": [{"party": "GeoBridge", "status": "completed", "token": forged}]}


def no_keys(file: File, ordered: Ordered) -> File:
    return {name: part for name, part in file.items() if name != "partner_keys"}


def keys_by_somebody_else(file: File, ordered: Ordered) -> File:
    claims = {"iss": "x", "receipt": file["receipt"], "confirmations": [], "keys": []}
    return {**file, "partner_keys": Signer("x").sign(claims, typ="whereabouts-receipt+jwt")}


def keys_of_another_receipt(file: File, ordered: Ordered) -> File:
    claims = {"iss": "x", "receipt": "WB-XXXX-XX", "confirmations": [], "keys": []}
    return {**file, "partner_keys": keys.sign(use=SigningKey.Use.RECEIPT, claims=claims)}


def the_statement_of_keys_as_a_receipt(file: File, ordered: Ordered) -> File:
    return {"token": file["partner_keys"]}


def confirmations_of_no_shape(file: File, ordered: Ordered) -> File:
    return {**file, "partner_receipts": [7]}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (another_number, "the file calls itself WB-XXXX-XX"),
        (a_made_up_confirmation, "a confirmation that we never took about this choice"),
        (no_keys, "not the keys to check them by"),
        (keys_by_somebody_else, "does not verify"),
        (keys_of_another_receipt, "the keys in it belong to another receipt"),
        (the_statement_of_keys_as_a_receipt, "and no receipt"),
        (our_word_about_another, "is about something else"),
        (our_word_by_somebody_else, "does not verify"),
        (confirmations_of_no_shape, "should be a JSON object"),
    ],
)
def test_what_is_changed_in_a_file_is_found(
    ordered: Ordered, tmp_path: Path, changed: Callable[[File, Ordered], File], says: str
) -> None:
    ordered.sign()
    file = the_file(ordered)
    assert "The confirmation verifies." in verify(file, tmp_path)
    with pytest.raises(CommandError, match=says) as refusal:
        verify(changed(file, ordered), tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("file", ["[]", "{}", '{"token": 7}', "x", "", '{"token": "a.b.c"}', "[" * 100_000, "\x00"])
def test_what_is_no_receipt_is_said_in_one_line(file: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="this receipt does not verify") as refusal:
        verify(file, tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_receipt_holds_the_confirmation_that_its_page_shows_also_of_the_order_that_took_over(scene: Scene) -> None:
    line = scene.a_line()
    sent = [*stop_all(line), *allow(line, scene.campaign), *stop_all(line)]
    deliver(sent)
    ordered = Ordered(scene, line, sent[-1])
    ordered.sign()
    assert [the_order(order_id).state for order_id in sent] == ["superseded", "superseded", "completed"]
    first, allowed, last = Choice.objects.filter(line_id=line.pk).order_by("made_at")
    assert [len(files["partner_receipts"]) for files in (the_file(ordered, one) for one in (first, allowed, last))] == [
        1,
        0,
        1,
    ]


def test_the_link_without_an_account_gives_our_receipt_and_names_no_company(scene: Scene, tmp_path: Path) -> None:
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
