"""The life of our own keys, over years that are passed in and never waited for."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pytest_django import Settings

from accounts.primitives.sealing import seal, unseal
from audit.models import AuditEvent
from partners.domain import keys
from partners.models import PairwiseKey, SigningKey
from partners.primitives import tokens
from partners.workers import rotation
from partners.workers.rotation import publish_trial_key, retire_trial_key
from tests.factories import a_party
from tests.fixtures import KEYS_SINCE
from tests.properties import stories

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ORDER, RECEIPT, ACCESS = SigningKey.Use.ORDER, SigningKey.Use.RECEIPT, SigningKey.Use.ACCESS
# When the test run's own keys come due.
DUE = KEYS_SINCE + rotation.PERIOD - rotation.PUBLISHED_BEFORE
# How long a token of each kind may be believed by somebody who fetches our published keys.
LIVES = {ORDER: timedelta(days=3), ACCESS: timedelta(minutes=10), SigningKey.Use.MANIFEST: timedelta(days=3)}


def key_of(use: SigningKey.Use, at: datetime, algorithm: str = "ES256") -> str:
    return keys.signer(use=use, algorithm=algorithm, at=at).kid


def published(at: datetime) -> set[str]:
    return {str(key["kid"]) for key in keys.jwks(at=at)["keys"]}


def moments_of_change(use: SigningKey.Use) -> list[datetime]:
    """When keys of this use come into use and go, in order."""
    rows = SigningKey.objects.filter(use=use)
    return sorted([row.used_from for row in rows] + [row.retired_at for row in rows if row.retired_at])


def verifies(token: str, jwks: dict[str, list[dict[str, Any]]]) -> bool:
    try:
        jws.deserialize_compact(token, KeySet.import_key_set({"keys": jwks["keys"]}), algorithms=["ES256", "RS256"])
    except (JoseError, ValueError):
        return False
    return True


@pytest.mark.django_db
class TestByTheBook:
    def test_publish_use_retire_archive(self) -> None:
        before, old = SigningKey.objects.count(), key_of(RECEIPT, DUE)
        assert rotation.rotate(now=DUE - HOUR) == rotation.RotationResult()
        assert SigningKey.objects.count() == before
        made = rotation.rotate(now=DUE).made
        rows = SigningKey.objects.filter(kid__in=made)
        # Each use and algorithm has its own.
        assert sorted((row.use, keys.algorithm_of(row)) for row in rows) == sorted(
            (kind.use.value, kind.algorithm) for kind in rotation.KINDS
        )
        assert key_of(ORDER, DUE + DAY) != key_of(ORDER, DUE + DAY, "RS256")
        (new,) = SigningKey.objects.filter(use=RECEIPT).exclude(kid=old)
        assert (new.published_at, new.used_from) == (DUE, DUE + DAY)
        token = keys.signer(use=RECEIPT, at=DUE).sign({"iss": "us"})
        for at in (DUE, DUE + 3 * DAY):
            assert rotation.rotate(now=at) == rotation.RotationResult(), "a second pass does nothing more"

        assert {old, new.kid} <= published(DUE)
        assert key_of(RECEIPT, DUE + DAY - timedelta(seconds=1)) == old
        assert key_of(RECEIPT, DUE + DAY) == new.kid

        assert rotation.rotate(now=DUE + 8 * DAY - HOUR).retired == ()
        assert old in published(DUE + 8 * DAY - HOUR)
        assert old in rotation.rotate(now=DUE + 8 * DAY).retired
        assert old not in published(DUE + 8 * DAY)
        assert new.kid in published(DUE + 8 * DAY)

        assert keys.verify_own(use=RECEIPT, token=token) == {"iss": "us"}
        (kept,) = [key for key in keys.archive(at=DUE + 4000 * DAY)["keys"] if key["kid"] == old]
        assert kept["exp"] == int((DUE + 8 * DAY).timestamp())
        assert "revoked" not in kept
        assert verifies(token, {"keys": [kept]})
        # Every step is written down.
        (retired,) = AuditEvent.objects.filter(action="key.retired", target=f"key:{old}")
        assert (retired.actor, retired.at, retired.detail) == ("system:rotation", DUE + 8 * DAY, {"use": RECEIPT.value})
        (begun,) = AuditEvent.objects.filter(action="key.published", target=f"key:{new.kid}")
        assert begun.detail["used_from"] == (DUE + DAY).isoformat()
        # An import that appends to many chains beside it takes their heads in the same order.
        chains = list(AuditEvent.objects.filter(at=DUE).order_by("id").values_list("chain", flat=True))
        assert (len(chains), chains) == (len(rotation.KINDS), sorted(chains))

    def test_a_late_pass_publishes_a_day_before_use(self) -> None:
        late = DUE + 300 * DAY
        made = rotation.rotate(now=late).made
        assert {row.used_from for row in SigningKey.objects.filter(kid__in=made)} == {late + DAY}
        # An installation without keys gets them at once.
        SigningKey.objects.update(retired_at=KEYS_SINCE)
        made = rotation.rotate(now=late).made
        assert len(made) == len(rotation.KINDS)
        assert {row.used_from for row in SigningKey.objects.filter(kid__in=made)} == {late}

    def test_a_cut_off_trial_s_key_retires_after_an_hour(self) -> None:
        begun = DUE - 2 * DAY
        cut_off = publish_trial_key(algorithm="ES256", at=begun).kid
        running = publish_trial_key(algorithm="RS256", at=begun + timedelta(minutes=1)).kid
        almost = begun + HOUR - timedelta(seconds=1)
        assert rotation.rotate(now=almost) == rotation.RotationResult()
        assert {cut_off, running} <= published(almost)
        assert rotation.rotate(now=begun + HOUR) == rotation.RotationResult(retired=(cut_off,))
        assert published(begun + HOUR) & {cut_off, running} == {running}
        assert rotation.rotate(now=begun + HOUR) == rotation.RotationResult()
        # A trial that goes on for longer finds its key gone, and nothing is written down twice.
        for kid in (cut_off, running):
            retire_trial_key(kid=kid, at=begun + HOUR)
        retired = AuditEvent.objects.filter(action="key.retired").order_by("id")
        assert [(one.actor, one.target, one.reason) for one in retired] == [
            ("system:rotation", f"key:{cut_off}", "its trial was cut off"),
            ("system:trial", f"key:{running}", ""),
        ]

    @given(
        passes=st.lists(st.integers(min_value=1, max_value=100 * 24), min_size=1, max_size=5),
        moments=st.lists(
            st.tuples(st.sampled_from(sorted(LIVES)), st.integers(0, 99), st.integers(-90, 90), st.floats(0, 1)),
            min_size=20,
            max_size=40,
        ),
    )
    @stories(25)
    def test_who_fetched_keys_within_the_hour_checks_every_token(
        self, settings: Settings, passes: list[int], moments: list[tuple[SigningKey.Use, int, int, float]]
    ) -> None:
        """Passes come whenever they come; tokens are signed close to the moments at which something changes."""
        settings.KEY_VAULT = "tests.partners.kms.Pool"
        with transaction.atomic():
            at = DUE - 2 * DAY
            for hours in passes:
                at += hours * HOUR
                rotation.rotate(now=at)
            changes = {use: moments_of_change(use) for use in LIVES}
            for use, which, minutes, share in moments:
                changed_at = changes[use][which % len(changes[use])]
                signed_at = max(changed_at, KEYS_SINCE + 3 * HOUR) + timedelta(minutes=minutes)
                checked_at = signed_at + LIVES[use] * share
                at_hand = published(checked_at) & published(checked_at - HOUR)
                for algorithm in ("ES256", "RS256") if use == ORDER else ("ES256",):
                    assert key_of(use, signed_at, algorithm) in at_hand
            transaction.set_rollback(True)


@pytest.mark.django_db
class TestBeforeTheirTime:
    NOW = KEYS_SINCE + 10 * DAY

    def replace(self, *, emergency: bool, at: datetime = NOW, use: SigningKey.Use = ORDER) -> rotation.RotationResult:
        return rotation.replace(uses=[use], emergency=emergency, actor="officer:7", reason="found in a log", now=at)

    def test_a_key_replaced_now_keeps_its_week(self) -> None:
        old = key_of(ORDER, self.NOW)
        done = self.replace(emergency=False)
        assert (len(done.made), done.retired) == (2, ())
        assert key_of(ORDER, self.NOW) in done.made
        assert old in published(self.NOW + 6 * DAY)
        assert old in rotation.rotate(now=self.NOW + 7 * DAY).retired
        assert "revoked" not in next(key for key in keys.archive(at=DUE)["keys"] if key["kid"] == old)

    def test_a_key_that_others_know_goes_at_once(self) -> None:
        old = {key_of(ORDER, self.NOW), key_of(ORDER, self.NOW, "RS256")}
        others = {key_of(RECEIPT, self.NOW), key_of(ACCESS, self.NOW)}
        done = self.replace(emergency=True)
        assert set(done.retired) == old
        assert key_of(ORDER, self.NOW) in done.made
        assert published(self.NOW) & (old | others) == others
        archived = {key["kid"]: key for key in keys.archive(at=self.NOW)["keys"]}
        assert {kid for kid, key in archived.items() if "revoked" in key} == old
        assert archived[min(old)]["revoked"] == {"revoked_at": int(self.NOW.timestamp()), "reason": "compromised"}

    def test_the_coming_and_the_last_one_go_too(self) -> None:
        last, at = key_of(ORDER, DUE), DUE + 2 * DAY
        rotation.rotate(now=DUE)
        in_use = key_of(ORDER, at)
        assert in_use != last
        done = self.replace(emergency=True, at=at)
        assert {last, in_use} <= set(done.retired)
        again = self.replace(emergency=True, at=DUE + 100 * DAY)
        rotation.rotate(now=DUE + 100 * DAY)
        assert set(again.retired) == set(done.made)
        assert {key["kid"] for key in keys.archive(at=DUE + 100 * DAY)["keys"] if "revoked" in key} >= {last, in_use}

    def test_pressed_twice_it_makes_one_key_with_a_reason(self) -> None:
        first = self.replace(emergency=True)
        second = self.replace(emergency=True, at=self.NOW + timedelta(seconds=30))
        assert (len(first.made), second) == (2, rotation.RotationResult())
        assert len(self.replace(emergency=True, at=self.NOW + 2 * timedelta(minutes=1)).made) == 2
        with pytest.raises(ValueError, match="a reason must be given"):
            rotation.replace(uses=[ORDER], emergency=True, actor="officer:7", reason=" ", now=self.NOW)

    def test_who_and_why_are_written_down(self) -> None:
        done = self.replace(emergency=True, use=RECEIPT)
        written = AuditEvent.objects.filter(action__startswith="key.").values_list(
            "action", "actor", "target", "reason"
        )
        assert sorted(written) == [
            ("key.published", "officer:7", f"key:{done.made[0]}", "found in a log"),
            ("key.retired", "officer:7", f"key:{done.retired[0]}", "found in a log"),
        ]


@pytest.mark.django_db
class TestSealing:
    def test_only_resealed_keys_open_with_the_newest_alone(self, settings: Settings) -> None:
        old = settings.FIELD_ENCRYPTION_KEYS[0]
        new = Fernet.generate_key().decode()
        secret = PairwiseKey.objects.create(
            party=a_party(), version=1, secret_sealed=seal("pairwise"), made_at=KEYS_SINCE
        )
        token = keys.sign(use=RECEIPT, claims={"iss": "us"})
        settings.FIELD_ENCRYPTION_KEYS = [new]
        with pytest.raises(InvalidToken):
            unseal(bytes(SigningKey.objects.filter(use=RECEIPT).get().private_sealed))
        settings.FIELD_ENCRYPTION_KEYS = [new, old]
        lost = PairwiseKey.objects.create(party=secret.party, version=2, secret_sealed=b"not ours", made_at=KEYS_SINCE)
        found = rotation.reseal(actor="officer:7", now=DUE)
        assert (found.done, found.unopened) == (SigningKey.objects.count() + 1, 1)
        lost.refresh_from_db()
        assert bytes(lost.secret_sealed) == b"not ours"
        settings.FIELD_ENCRYPTION_KEYS = [new]
        secret.refresh_from_db()
        assert unseal(bytes(secret.secret_sealed)) == "pairwise"
        for row in SigningKey.objects.all():
            algorithm = keys.algorithm_of(row)
            assert keys.signer(use=SigningKey.Use(row.use), algorithm=algorithm).kid == row.kid
        assert keys.verify_own(use=RECEIPT, token=keys.sign(use=RECEIPT, claims={"n": 1})) == {"n": 1}
        assert keys.verify_own(use=RECEIPT, token=token) == {"iss": "us"}
        (written,) = AuditEvent.objects.filter(action="keys.resealed")
        assert (written.actor, written.detail) == ("officer:7", {"count": found.done, "unopened": 1})

    def test_another_vault_can_stand_behind_it(self, settings: Settings) -> None:
        settings.KEY_VAULT = "tests.partners.kms.Kms"
        done = rotation.replace(uses=[RECEIPT], emergency=False, actor="officer:7", reason="to the KMS", now=DUE)
        row = SigningKey.objects.get(kid=done.made[0])
        assert bytes(row.private_sealed) == f"kms:{row.kid}".encode()
        token = keys.signer(use=RECEIPT, at=DUE).sign({"iss": "us"})
        assert tokens.parse_unverified(token).kid == row.kid
        assert keys.verify_own(use=RECEIPT, token=token) == {"iss": "us"}


@pytest.mark.django_db
class TestCommand:
    def run(self, *args: str) -> str:
        out = StringIO()
        call_command("rotate_keys", *args, stdout=out)
        return out.getvalue()

    def test_it_does_what_is_due_and_seals_anew(self) -> None:
        assert self.run().count("published ") == len(rotation.KINDS)
        assert self.run() == "Nothing is due.\n"
        assert self.run("--reseal") == f"{SigningKey.objects.count()} keys encrypted again.\n"
        with pytest.raises(CommandError, match="invalid choice"):
            self.run("--use", "letters")

    def test_in_an_emergency_it_asks_why(self) -> None:
        for how_ in ("--now", "--emergency"):
            for why in ("", "z", "call 206 555 0142"):
                with pytest.raises(CommandError, match=r"^(Say why|Your reason seems to hold a phone number)"):
                    self.run(how_, "--use", "receipt", "--reason", why)
        old = keys.signer(use=RECEIPT).kid
        out = self.run("--emergency", "--use", "receipt", "--reason", "found in a log")
        assert out == f"published {keys.signer(use=RECEIPT).kid}\nretired {old}\n"


@pytest.fixture
def own_keys(committed_db: None) -> Iterator[None]:
    """Real commits to the table of keys; the test run's own come back afterwards."""
    yield
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM partners_signingkey WHERE published_at <> %s", [KEYS_SINCE])
        cursor.execute("UPDATE partners_signingkey SET retired_at = NULL")


@pytest.mark.usefixtures("own_keys")
@pytest.mark.parametrize("first_start", [False, True])
def test_several_at_once_make_one_key_of_each_kind(first_start: bool) -> None:
    if first_start:
        with connections["owner"].cursor() as cursor:
            cursor.execute("DELETE FROM partners_signingkey")
    before, start = SigningKey.objects.count(), threading.Barrier(3)

    def makes(_: int) -> int:
        start.wait()
        try:
            if first_start:
                return len(rotation.ensure(now=KEYS_SINCE).made)
            return len(rotation.rotate(now=DUE).made)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(makes, range(3))) == [0, 0, len(rotation.KINDS)]
    assert SigningKey.objects.count() == before + len(rotation.KINDS)
