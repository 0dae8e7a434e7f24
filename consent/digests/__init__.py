"""A partner's books compared with ours: 65,536 buckets first, then entry by entry (docs/guides/digest.md)."""

from consent.digests.books import AS_OF_SKEW, BUCKETS, WIDTH, Entry, Place, bucket_of, digest_of, name_of, our_digest
from consent.digests.comparing import Comparison, Difference, compare

__all__ = [
    "AS_OF_SKEW",
    "BUCKETS",
    "WIDTH",
    "Comparison",
    "Difference",
    "Entry",
    "Place",
    "bucket_of",
    "compare",
    "digest_of",
    "name_of",
    "our_digest",
]
