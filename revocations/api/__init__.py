"""The partners' doors: receipts in (RFC 8935), orders out by polling (RFC 8936), and what we can do (SSF)."""
