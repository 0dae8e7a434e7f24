"""What we say to a store that speaks S3, and which of its answers are none."""

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from partners.clients.s3 import Bucket, Signer
from tests.store import KEY_ID, REGION
from tests.stores import SECRET, running


@pytest.mark.parametrize(
    ("method", "url", "body", "headers", "signature"),
    [
        ("GET", "https://examplebucket.s3.amazonaws.com/test.txt", b"", {"Range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT", "https://examplebucket.s3.amazonaws.com/test%24file.text", b"Welcome to Amazon S3.",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", b"", {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)  # fmt: skip
def test_requests_are_signed_as_amazon_s_own_examples_are(
    method: str, url: str, body: bytes, headers: dict[str, str], signature: str
) -> None:
    signer = Signer(region="us-east-1", key_id="AKIAIOSFODNN7EXAMPLE", secret=SECRET)
    at = datetime(2013, 5, 24, tzinfo=UTC)
    signed = signer.sign_headers(method=method, url=url, body=body, headers=headers, at=at)
    assert signed["Authorization"].rpartition("Signature=")[2] == signature


def test_a_mark_of_a_folder_is_no_object_of_it(settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    with running() as store:
        for key in ("ours/", "ours/day/", "ours/day/one", "ours/empty/"):
            store.holds(key, b"x")
        signer = Signer(region=REGION, key_id=KEY_ID, secret=SECRET)
        bucket = Bucket(url=f"{store.url}/ours", signer=signer, called="the store")
        assert bucket.keys() == bucket.keys(folder="day") == ["day/one"]
        assert bucket.keys(folder="empty") == []
