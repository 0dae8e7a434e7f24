"""Check that the audit trail is whole."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

import audit.queries
from partners.clients import checkpoint_places
from partners.clients.checkpoint_places import Place
from partners.workers import checkpoints
from partners.workers.checkpoints import Line, SignedCheckpoint

# As beat has it (`write-checkpoint`).
SIGNED_EVERY = timedelta(minutes=10)


class Command(BaseCommand):
    help = (
        "Recompute the audit chains and compare them with the newest signed checkpoint (in CHECKPOINT_DIR or a store). "
        "Prints how many rows were checked and how fast; exits 1 and names the first bad row on any fault."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="since", metavar="TIME", type=_time, help="RFC 3339: check events from here")
        parser.add_argument("--to", dest="until", metavar="TIME", type=_time, help="RFC 3339: check events before this")

    def handle(self, *args: Any, since: datetime | None, until: datetime | None, **options: Any) -> None:
        if since and until and until < since:
            raise CommandError("--to is before --from")
        started = time.monotonic()
        place = checkpoint_places.place()
        try:
            line = checkpoints.read_checkpoint_line(place=place)
            self._say_unreadable(place, line.unreadable)
            signed = checkpoints.newest(place=place)
        except (ValueError, OSError) as error:
            raise CommandError(f"the newest checkpoint in {place} can't be trusted: {error}") from error
        result = audit.queries.verify_chains(since=since, until=until, signed=dict(signed.heads) if signed else {})
        seconds = max(time.monotonic() - started, 1e-6)
        self.stdout.write(f"{result.checked} rows checked, {result.checked / seconds:.0f} rows/s")
        if result.fault is not None:
            sys.stdout.flush()
            fault = result.fault
            raise CommandError(f"the audit trail does not verify: chain {fault.chain}, row {fault.seq} {fault.what}")
        self._vouch(place, signed, line, in_part=bool(since or until))

    def _say_unreadable(self, place: Place, unreadable: Sequence[str]) -> None:
        """Pass over what a crash cut off, but for the newest: only the next one can show that it was no more."""
        if unreadable and unreadable[-1] == next(place.newest_first())[0]:
            raise ValueError(f"{unreadable[-1]} is no whole checkpoint")
        if unreadable:
            self.stdout.write(f"{len(unreadable)} files are no whole checkpoints: {', '.join(unreadable)}")

    def _vouch(self, place: Place, signed: SignedCheckpoint | None, line: Line, *, in_part: bool) -> None:
        """Say what no chain can show of itself: whether its end was cut off together with its head."""
        rows = sum(seq for seq, _ in audit.queries.get_chain_heads().values())
        if signed is None:
            _refuse_unsigned(place)
            self.stdout.write(f"There is no checkpoint yet, so nothing vouches for the end of these {rows} rows.")
            return
        _check_line(place, line)
        if line.restored:
            names = ", ".join(line.restored)
            self.stdout.write(f"Signed after a restore, so that rows signed before may be gone: {names}.")
        if gone := audit.queries.list_missing_heads(signed=signed.heads):
            seq = signed.heads[gone[0]][0]
            raise CommandError(
                f"the audit trail does not verify: chain {gone[0]}, row {seq} is not what the checkpoint signed"
            )
        up_to = f"{signed.at:%Y-%m-%dT%H:%M:%SZ}"
        if in_part:
            self.stdout.write(
                "These rows verify; no others were checked."
                f" The checkpoint {signed.name} vouches for no row after {up_to}."
            )
            return
        later = rows - sum(seq for seq, _ in signed.heads.values())
        self.stdout.write(
            f"The audit trail verifies up to {up_to}, by the checkpoint {signed.name}."
            f" Rows after that: {later}. Until the next checkpoint, rows cut off after this one would not show."
        )


def _refuse_unsigned(place: Place) -> None:
    began = audit.queries.began_at()
    if began is not None and began < timezone.now() - SIGNED_EVERY:
        raise CommandError(f"there is no checkpoint in {place}: a cut-off end can't be excluded")


def _check_line(place: Place, line: Line) -> None:
    if line.forged:
        raise CommandError(f"a checkpoint in {place} can't be trusted: {line.forged}")
    if line.gap:
        raise CommandError(f"a checkpoint before {line.gap} is not there: the trail may have been cut off")
    if line.back:
        raise CommandError(f"the checkpoint {line.back} signed less than the one before it: the trail was cut off")


def _time(text: str) -> datetime:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment
    raise ArgumentTypeError(f"{text!r} is no time with its offset, as in 2026-11-24T22:00:00Z")
