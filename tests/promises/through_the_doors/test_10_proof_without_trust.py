"""Promise 10: what a person downloads verifies by the command alone, and what is done to the trail is found by it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.faults.programs import database_url, until
from tests.feeds import BRIDGE, LINK
from tests.promises.through_the_doors.product import Product

WITHIN_S = 60


def verified(product: Product, *files: bytes) -> list[tuple[bool, str]]:
    """Whether `verify_receipt` finds each genuine, and what it says. The database is away: it must not be needed."""
    kept, keys = product.folder / "receipt", str(product.folder / "jwks.json")
    said = []
    with product.without_database():
        for file in files:
            kept.write_bytes(file)
            done = product.command("verify_receipt", str(kept), "--jwks", keys)
            said.append((done.returncode == 0, done.stdout + done.stderr))
    return said


def changed(text: str) -> str:
    """A token with one letter of its middle changed."""
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


def test_downloads_verify_without_us_and_changed_ones_do_not(product: Product) -> None:
    browser = product.signs_in(product.next_line())
    choice = browser.send(browser.get("/home/").form("/choices/stop/", scope="all")).url
    whole: dict[str, Any] = {}

    def all_have_signed() -> bool:
        whole.update(json.loads(browser.get(f"{choice}receipt.json").body))
        return {one["party"] for one in whole.get("partner_receipts", [])} == {"Geobridge", "Northlink"}

    until(all_have_signed, WITHIN_S)
    (product.folder / "jwks.json").write_bytes(browser.get("/.well-known/jwks.json").body)
    confirmation = whole["partner_receipts"][0]
    forged = (
        {**whole, "token": changed(whole["token"])},
        {**whole, "receipt": "WB-0000-00"},
        {**whole, "partner_receipts": [{**confirmation, "token": changed(confirmation["token"])}]},
        {**whole, "partner_keys": changed(whole["partner_keys"])},
    )
    genuine = (json.dumps(whole).encode(), browser.get(f"{choice}receipt.pdf").body)
    said = verified(product, *genuine, *(json.dumps(one).encode() for one in forged))
    for fine, words in said[: len(genuine)]:
        assert (fine, "The receipt verifies." in words) == (True, True), words
        assert f"{BRIDGE} signed: completed. The confirmation verifies." in words
        assert f"{LINK} signed: completed. The confirmation verifies." in words
    for fine, words in said[len(genuine) :]:
        assert (fine, "this receipt does not verify" in words) == (False, True), words


@contextmanager
def as_owner(product: Product) -> Iterator[psycopg.Cursor]:
    """Somebody who has every right in the database and switches its guards off."""
    with psycopg.connect(database_url("owner", name=product.database), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        yield session.cursor()


def trail(product: Product) -> tuple[bool, str]:
    """Whether `verify_audit` finds the trail whole, and what it says last."""
    done = product.command("verify_audit")
    return done.returncode == 0, (done.stdout + done.stderr).strip().splitlines()[-1]


def vouches(product: Product) -> bool:
    """Whether `verify_audit` finds nothing, and says up to when and by which checkpoint."""
    fine, said = trail(product)
    return fine and bool(re.match(r"The audit trail verifies up to \S+Z, by the checkpoint \d{8}T\d{12}Z\.jws\.", said))


def write_checkpoint(product: Product) -> None:
    """Have the worker write one, as beat does every ten minutes."""
    folder = product.folder / "checkpoints"
    before = len([*folder.glob("*.jws")])
    done = product.run("-m", "celery", "--app", "portal", "--quiet", "call", "partners.tasks.write_checkpoint")
    assert done.returncode == 0, done.stderr
    until(lambda: len([*folder.glob("*.jws")]) > before, WITHIN_S)


NEWEST = """
SELECT id, chain, seq, prev_hash FROM audit_auditevent e
WHERE seq > 2 AND seq = (SELECT seq FROM audit_chainhead h WHERE h.chain = e.chain) ORDER BY seq DESC LIMIT 1
"""


def test_a_changed_or_cut_off_trail_is_found(product: Product) -> None:
    product.stops_all(product.next_line())
    write_checkpoint(product)
    with product.while_it_sleeps(product.worker), as_owner(product) as owner:
        assert vouches(product)
        ((number, chain, seq, before),) = owner.execute(NEWEST).fetchall()
        ((actor,),) = owner.execute("SELECT actor FROM audit_auditevent WHERE id = %s", [number]).fetchall()
        owner.execute("UPDATE audit_auditevent SET actor = 'system:nobody' WHERE id = %s", [number])
        whole, said = trail(product)
        assert (whole, f"chain {chain}" in said, f"row {seq}" in said) == (False, True, True), said
        owner.execute("UPDATE audit_auditevent SET actor = %s WHERE id = %s", [actor, number])
        assert vouches(product)
        # The newest row goes, and the head of its chain is put back so that nothing seems to be missing.
        owner.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM audit_auditevent WHERE id = %s", [number])
        ((head,),) = owner.execute("SELECT hash FROM audit_chainhead WHERE chain = %s", [chain]).fetchall()
        owner.execute("DELETE FROM audit_auditevent WHERE id = %s", [number])
        put = "UPDATE audit_chainhead SET seq = %s, hash = %s WHERE chain = %s"
        owner.execute(put, [seq - 1, before, chain])
        whole, said = trail(product)
        assert (whole, "is cut off" in said) == (False, True), said
        owner.execute("INSERT INTO audit_auditevent SELECT * FROM kept")
        owner.execute(put, [seq, head, chain])
        assert vouches(product)


@pytest.mark.parametrize("ledger", ["audit_auditevent", "consent_choice", "consent_choicereceipt", "consent_approval"])
def test_the_products_own_password_changes_no_ledger(product: Product, ledger: str) -> None:
    with psycopg.connect(database_url("default", name=product.database), autocommit=True) as session:
        for statement in (f"DELETE FROM {ledger}", f"TRUNCATE {ledger}", f"ALTER TABLE {ledger} DISABLE TRIGGER ALL"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)
