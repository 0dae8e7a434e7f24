"""The partners' doors: receipts in (RFC 8935), orders out by polling (RFC 8936), and what we can do (SSF)."""

from revocations.api.configuration import configuration
from revocations.api.manifests import manifest
from revocations.api.polling import poll
from revocations.api.receipts import receipts
from revocations.api.streams import status, streams, verify

__all__ = ["configuration", "manifest", "poll", "receipts", "status", "streams", "verify"]
