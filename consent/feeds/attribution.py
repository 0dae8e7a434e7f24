"""Whose number it was at a moment, for many rows at once."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from accounts.models import LineNumber
from accounts.primitives.sealing import number_hash


class Holders:
    """Who held some numbers, and when."""

    def __init__(self, *, msisdns: Collection[str]) -> None:
        self._hashes = {msisdn: number_hash(msisdn) for msisdn in set(msisdns)}
        self._periods: dict[bytes, list[tuple[datetime, datetime | None, int]]] = defaultdict(list)
        found = LineNumber.objects.filter(msisdn_hash__in=self._hashes.values())
        for hashed, starts_at, ends_at, line_id in found.values_list("msisdn_hash", "starts_at", "ends_at", "line_id"):
            self._periods[bytes(hashed)].append((starts_at, ends_at, line_id))

    def line_at(self, msisdn: str, at: datetime) -> int | None:
        """The line whose number this was at a moment."""
        for starts_at, ends_at, line_id in self._periods[self._hashes[msisdn]]:
            if starts_at <= at and (ends_at is None or at < ends_at):
                return line_id
        return None
