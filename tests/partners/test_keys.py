"""Our own keys: one for each use, sealed at rest, published, old ones kept."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from accounts.primitives.sealing import seal, unseal
from partners.domain import keys
from partners.models import SigningKey
from partners.primitives import tokens
from partners.primitives.tokens import BadToken
from partners.workers import rotation

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_newer_order_key(*, used_from: datetime) -> SigningKey:
    key = ECKey.generate_key("P-256")
    return SigningKey.objects.create(
        kid=key.thumbprint(), use=SigningKey.Use.ORDER, private_sealed=seal(json.dumps(key.as_dict(private=True))),
        public_jwk=key.as_dict(private=False), published_at=used_from - timedelta(days=1), used_from=used_from,
    )  # fmt: skip


def test_each_use_has_its_own_key_made_once() -> None:
    before = set(SigningKey.objects.values_list("kid", flat=True))
    assert rotation.ensure(now=NOW).made == ()
    assert set(SigningKey.objects.values_list("kid", flat=True)) == before
    made = [(row.use, keys.algorithm_of(row)) for row in SigningKey.objects.all()]
    assert sorted(made) == sorted([*((use, "ES256") for use in SigningKey.Use.values), ("secevent+jwt", "RS256")])
    for row in SigningKey.objects.all():
        assert JWKRegistry.import_key(row.public_jwk).thumbprint() == row.kid
    with pytest.raises(keys.NoSigningKey):
        keys.signer(use=SigningKey.Use.RECEIPT, algorithm="RS256")


def test_the_private_half_lies_sealed_and_is_nowhere_else() -> None:
    row = SigningKey.objects.get(use=SigningKey.Use.RECEIPT)
    private = ECKey.import_key(json.loads(unseal(bytes(row.private_sealed)))).as_dict(private=True)["d"]
    assert isinstance(private, str)
    assert private.encode() not in bytes(row.private_sealed)
    assert set(row.public_jwk) == {"kty", "crv", "x", "y"}
    assert all("d" not in key for key in keys.jwks(at=NOW)["keys"])


def test_a_token_verifies_unchanged_and_for_its_use_alone() -> None:
    token = keys.sign(use=SigningKey.Use.RECEIPT, claims={"iss": "us"})
    opened = tokens.parse_unverified(token)
    assert (opened.typ, opened.alg) == ("whereabouts-receipt+jwt", "ES256")
    assert opened.kid == SigningKey.objects.get(use=SigningKey.Use.RECEIPT).kid
    assert keys.verify_own(use=SigningKey.Use.RECEIPT, token=token) == {"iss": "us"}
    for use in set(SigningKey.Use) - {SigningKey.Use.RECEIPT}:
        with pytest.raises(BadToken):
            keys.verify_own(use=use, token=token)
    # Another use's key does not sign for this one, and a changed token is none.
    signer = keys.signer(use=SigningKey.Use.CHECKPOINT)
    forged = keys.Signer(use=SigningKey.Use.RECEIPT.value, kid=signer.kid, key=signer.key).sign({"iss": "us"})
    with pytest.raises(BadToken, match="not one of our keys for this use"):
        keys.verify_own(use=SigningKey.Use.RECEIPT, token=forged)
    head, body, signature = token.split(".")
    other = keys.sign(use=SigningKey.Use.RECEIPT, claims={"iss": "them"}).split(".")[1]
    assert other != body
    for wrong in (f"{head}.{other}.{signature}", "", "a.b", "a.b.c", "e30.e30.", "é.é.é", "x" * 300_000, "[].[].[]"):
        with pytest.raises(BadToken):
            keys.verify_own(use=SigningKey.Use.RECEIPT, token=wrong)


def test_the_newest_key_in_use_signs_older_ones_still_verify() -> None:
    old = keys.sign(use=SigningKey.Use.ORDER, claims={"n": 1})
    coming = a_newer_order_key(used_from=datetime.now(UTC) + timedelta(hours=24))
    assert keys.signer(use=SigningKey.Use.ORDER).kid != coming.kid
    now_used = a_newer_order_key(used_from=datetime.now(UTC) - timedelta(seconds=1))
    assert keys.signer(use=SigningKey.Use.ORDER).kid == now_used.kid
    assert keys.verify_own(use=SigningKey.Use.ORDER, token=old) == {"n": 1}


def test_published_are_the_coming_and_those_not_retired_yet() -> None:
    coming = a_newer_order_key(used_from=NOW + timedelta(hours=20))
    gone = SigningKey.objects.filter(use=SigningKey.Use.ORDER, public_jwk__kty="EC").exclude(kid=coming.kid).get()
    SigningKey.objects.filter(kid=gone.kid).update(retired_at=NOW)

    def published(at: datetime) -> set[str]:
        return {str(key["kid"]) for key in keys.jwks(at=at)["keys"]}

    assert coming.kid in published(NOW)
    assert coming.kid not in published(NOW - timedelta(hours=5))
    assert gone.kid in published(NOW - timedelta(seconds=1))
    assert gone.kid not in published(NOW)
    assert gone.kid in {key["kid"] for key in keys.archive(at=NOW + timedelta(days=4000))["keys"]}


def test_an_rsa_key_signs_orders_for_those_who_need_it() -> None:
    signer = keys.signer(use=SigningKey.Use.ORDER, algorithm="RS256")
    token = signer.sign({"iss": "us", "é": [1, None, {"a": "ü"}]})
    assert (tokens.parse_unverified(token).alg, tokens.parse_unverified(token).typ, signer.algorithm) == (
        "RS256",
        "secevent+jwt",
        "RS256",
    )
    assert keys.verify_own(use=SigningKey.Use.ORDER, token=token) == {"iss": "us", "é": [1, None, {"a": "ü"}]}
    (jwk,) = [key for key in keys.jwks(at=datetime.now(UTC))["keys"] if key["kid"] == signer.kid]
    assert (jwk["kty"], jwk["alg"], jwk["use"]) == ("RSA", "RS256", "sig")
    assert set(jwk) == {"kty", "n", "e", "kid", "alg", "use"}
    key = RSAKey.import_key({name: str(jwk[name]) for name in ("kty", "n", "e")})
    assert jwt.decode(token, key, algorithms=["RS256"]).claims["iss"] == "us"
    assert keys.signer(use=SigningKey.Use.ORDER).algorithm == "ES256"
