"""A partner's books compared with ours: 65,536 buckets first, then entry by entry (docs/guides/digest.md)."""
