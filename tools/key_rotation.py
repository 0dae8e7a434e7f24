"""Seal anew, with the newest of FIELD_ENCRYPTION_KEYS, what an older one sealed: then an older one may go.

The oldest must stay: the hashes by which numbers are found come from it. Rows change while people use them, each by
itself; one that somebody else changed meanwhile was sealed anew by that. Run again it finds what is left.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db.models import QuerySet

import audit.actions
from accounts.primitives import sealing
from accounts.primitives.sealing import seal, seal_bytes, unseal, unseal_bytes
from partners.workers import rotation
from support.domain import files
from tools.inventory import TABLES

ACTOR = "system:reseal"
SUFFIX = "sealed"
# Private keys may lie in a vault of their own.
OF_THE_VAULT = ("partners.SigningKey", "partners.PairwiseKey")
SAY_EVERY = 10_000

type Say = Callable[[str], None]


def reseal(*, at: datetime, say: Say) -> int:
    """Go through every sealed column, by the owner's role where there is one. Returns how many were sealed anew."""
    using = "owner" if "owner" in settings.DATABASES else "default"
    newest = Fernet(settings.FIELD_ENCRYPTION_KEYS[0])
    done = 0
    for label, field in sealed_columns():
        done += _column(label, field, newest, using, say)
    done += _factors(newest, say)
    done += _files(newest, at, say)
    of_the_vault = rotation.reseal(actor=ACTOR, now=at)
    say(_describe("private keys", of_the_vault.done, of_the_vault.unopened))
    done += of_the_vault.done
    audit.actions.record(action="fields.resealed", actor=ACTOR, target="fields:all", at=at, detail={"count": done})
    return done


def sealed_columns() -> Iterator[tuple[str, str]]:
    """Yield every column that fields' keys seal, by its model, but for private keys."""
    for label in TABLES:
        if label not in OF_THE_VAULT:
            yield from ((label, name) for name in vars(apps.get_model(label)) if name.endswith(SUFFIX))


def _column(label: str, field: str, newest: Fernet, using: str, say: Say) -> int:
    rows: QuerySet[Any] = QuerySet(apps.get_model(label)).using(using).order_by("pk")
    done = unopened = 0
    for seen, (pk, sealed) in enumerate(rows.values_list("pk", field).iterator(chunk_size=100), start=1):
        if sealed and not _is_of(newest, bytes(sealed)):
            try:
                done += rows.filter(pk=pk, **{field: sealed}).update(**{field: seal_bytes(unseal_bytes(sealed))})
            except InvalidToken:
                unopened += 1
        if seen % SAY_EVERY == 0:
            say(f"  {label}.{field}: {seen} looked at")
    say(_describe(f"{label}.{field}", done, unopened))
    return done


def _describe(place: str, done: int, unopened: int) -> str:
    """Say what became of one place. What no key opens keeps nothing else from being sealed anew."""
    return f"{place}: {done} sealed anew{f', {unopened} that no key opens' if unopened else ''}"


def _factors(newest: Fernet, say: Say) -> int:
    """Secrets of second factors, which allauth keeps among other things of theirs."""
    done = unopened = 0
    for one in Authenticator.objects.order_by("pk"):
        try:
            done += _factor(one, newest)
        except InvalidToken:
            unopened += 1
    say(_describe("second factors", done, unopened))
    return done


def _factor(one: Authenticator, newest: Fernet) -> bool:
    anew: dict[str, Any] = {
        name: _reseal_value(newest, one.data[name]) for name in {"secret", "seed"} & one.data.keys()
    }
    if sealing.HASHED in one.data:
        anew[sealing.HASHED] = [_reseal_value(newest, value) for value in one.data[sealing.HASHED]]
    if one.data == one.data | anew:
        return False
    one.data = one.data | anew
    one.save(update_fields=["data"])
    return True


def _files(newest: Fernet, at: datetime, say: Say) -> int:
    """Files of cases, which lie outside the database."""
    done = unopened = 0
    for part in range(files.PARTS):
        for file_id in files.list_files_before(until=at, part=part):
            try:
                done += files.reseal_file(file_id=file_id, is_sealed_by_newest=lambda sealed: _is_of(newest, sealed))
            except FileNotFoundError:
                continue  # taken away meanwhile
            except InvalidToken:
                unopened += 1
    say(_describe(str(settings.ATTACHMENTS_DIR), done, unopened))
    return done


def _reseal_value(newest: Fernet, sealed: str) -> str:
    return sealed if _is_of(newest, sealed.encode()) else seal(unseal(sealed.encode())).decode()


def _is_of(newest: Fernet, sealed: bytes) -> bool:
    try:
        newest.decrypt(sealed)
    except InvalidToken:
        return False
    return True
