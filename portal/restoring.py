"""What must be done after a restore before the gate may say yes again: `manage.py after_restore`.

Each step may be run again, and goes on where it was cut off. Nothing here makes anything looser.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections

import audit.actions
import audit.queries
from accounts.primitives.slots import lock_job
from consent.actions import restore
from consent.actions.restore import RestoreOutcome, newest_of_each, restore_tightening
from consent.clients import archive_sink
from consent.gate import deciding
from consent.models import ArchiveHead, Choice, GateOpening, Tightening
from consent.workers import archive_comparison, archive_entries, archive_writing
from consent.workers.archive_comparison import NotThere
from consent.workers.archive_entries import (
    ArchivedEnd,
    ArchivedSuspension,
    ArchivedTightening,
    Entry,
    lines_of,
    read_after_head,
)
from consent.workers.archive_writing import TURN, requeue_everything
from consent.workers.cohorts import requeue_in_new_epoch
from disclosures.actions import restore_order
from disclosures.domain.ingest.projections import enqueue_rejudging
from partners.clients import checkpoint_places as places_checkpoints
from partners.models import Campaign, Contract
from partners.workers import checkpoints
from partners.workers.checkpoints import read_newest_checkpoint
from revocations.actions.redelivery import reissue_orders
from revocations.models import Standing

PART = 500
SAY_EVERY = 1_000

# The archive has no copy of these, and no file brings them back: each with what to do. What someone's safety may
# depend on comes first. `docs/guides/backup.md` sends the operator to this list.
MAY_BE_UNDONE = (
    "safe numbers, separations, protected lines. First: someone's safety may depend on it. See cases since the backup",
    "replaced or removed passwords, passkeys and apps of staff: the old ones work again. end_staff, then make_staff",
    "those of people. They set new ones by texted code; end the sign-ins of those who reported a loss",
    "staff roles that were removed, and new staff. Compare with your staff list",
    "client certificates, and partners' addresses and hosts. Set them again on the partners' pages in the console",
    "anomaly rules that were made stricter. Tighten them again in the console",
    "the carrier's own files: lines, parties, approvals, releases, notices. Import them again",
    "cases, and incidents with their deadlines. Read e-mail sent since the backup; open incidents are detected again",
    "what two officers loosened: it is tight again. Propose it again",
)

type Say = Callable[[str], None]


class Busy(Exception):
    """Another process is at the archive just now."""


@dataclass
class Summary:
    """What was done, and why the gate stays closed, if it does."""

    done: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    is_open: bool = False


def after_restore(*, at: datetime, despite: str, switched_over: bool, say: Say, confirmed: str = "") -> Summary:
    """Bring the database up to what the archive outside knows, then open the gate. Raises Busy, OSError.

    `despite`: why it is to be opened although something is wrong, for the audit trail; "" for not at all.
    `confirmed`: what somebody did about all that was undone with lost events of the trail; "" for nothing yet.
    `switched_over`: a follower took over that lacked nothing. If the archive says so too, nobody is told anew.
    """
    with lock_job(name=TURN) as mine:
        if not mine:
            raise Busy
        if _has_everything():
            say("The gate is open, and the database has all that the archive holds. Nothing to do.")
            return Summary(is_open=True)
        archive_comparison.close_gate(why="restored: `manage.py after_restore` is not done yet")
        return _Restoring(at=at, despite=despite, switched_over=switched_over, say=say, confirmed=confirmed).run()


@dataclass
class _Restoring:
    at: datetime
    despite: str
    switched_over: bool
    say: Say
    confirmed: str = ""
    summary: Summary = field(default_factory=Summary)
    # The archive was lost, and not the database.
    begins_anew: bool = False

    def run(self) -> Summary:
        gone = self._verify_trail()
        found = read_after_head(sink=archive_sink.open_sink())
        self.summary.problems += [str(fault) for fault in found.faults]
        self.begins_anew = not found.knows_head and all(one.epochs is not None for one in found.entries)
        lost = archive_entries.list_missing_entries(entries=found.entries)
        self.say(f"Archive: {len(found.entries)} entries since the backup, {len(lost)} of them lost with the database.")
        self._suspend(lost)
        self._tighten(found.entries, lost)
        self._replay(lost)
        if gone:
            self._ask(gone)
        if not self.switched_over or lost or self.summary.problems:
            self._raise_epochs(found.entries)
            self._tell_again()
        self._finish()
        return self.summary

    def _verify_trail(self) -> str:
        """Against the newest checkpoint that speaks of nothing that is gone. Returns from when to when events are gone.

        Only what a checkpoint signed can be missed: of the last seconds before the database was lost the archive alone
        tells.
        """
        place = places_checkpoints.place()
        signed, newest = checkpoints.get_newest_matching(place=place), read_newest_checkpoint(place=place)
        result = audit.queries.verify_chains(since=None, until=None, signed=dict(signed.heads) if signed else {})
        self.say(
            f"Audit trail: {result.checked} events checked"
            + (f" against the checkpoint of {signed.at:%Y-%m-%dT%H:%M:%SZ}." if signed else "; no checkpoint fits.")
        )
        if result.fault is not None:
            fault = result.fault
            self.summary.problems.append(f"audit trail, chain {fault.chain}, row {fault.seq} {fault.what}")
        if newest is None or not audit.queries.list_missing_heads(signed=newest.heads):
            return ""
        since = f"{signed.at:%Y-%m-%dT%H:%M:%SZ}" if signed else "its beginning"
        return f"from {since} to {newest.at:%Y-%m-%dT%H:%M:%SZ}"

    def _ask(self, gone: str) -> None:
        """Ask people to look at what neither the archive nor a file brings back, before the gate may say yes."""
        if self.confirmed:
            audit.actions.record(
                action="restore.lost_events_confirmed", actor=restore.ACTOR, target="database:1", at=self.at,
                reason=self.confirmed, detail={"events": gone},
            )  # fmt: skip
            return
        self.say(f"Events of the audit trail are gone, {gone}. With them these acts may have been undone:")
        for what in MAY_BE_UNDONE:
            self.say(f"  - {what}")
        self.summary.problems.append(
            f"events of the audit trail are gone, {gone}: do again what was undone, then run this with"
            " --confirm-lost-events and what you did"
        )

    def _suspend(self, lost: Sequence[Entry]) -> None:
        unknown: list[str] = []
        for one in lost:
            what = one.suspension or one.end
            if what is None:
                continue
            came = self._suspend_one(what)
            self.summary.done["suspensions" if one.suspension else "ends"] += _counts(came)
            if came == RestoreOutcome.UNKNOWN:
                unknown.append(f"{what.of} {what.ref}")
            elif one.end is not None:
                self.say(f"The {what.of} {what.ref} had been ended: it is suspended now. End it again by its plan.")
        if unknown:
            self.summary.problems.append(
                f"suspended or ended, and not here: {', '.join(dict.fromkeys(unknown))}."
                " Bring in the parties file, then run this again"
            )

    def _suspend_one(self, what: ArchivedSuspension | ArchivedEnd) -> RestoreOutcome:
        if isinstance(what, ArchivedSuspension):
            return restore.restore_suspension(archived=what, at=self.at)
        return restore.suspend_ended(archived=what, at=self.at)

    def _tighten(self, entries: Sequence[Entry], lost: Sequence[Entry]) -> None:
        """Rules, kin, ends of access, courts' orders. What was ended is suspended already: its plan ends its term."""
        ended = _ended_in(lost)
        unknown: list[str] = []
        links: set[tuple[str, str]] = set()
        campaigns: set[str] = set()
        # Of all, and not of the lost alone: what an earlier run has brought back is newer than what it passed over.
        for tightening_id, archived in newest_of_each(entries=entries).items():
            if (archived.kind, archived.facts.get("ref")) in ended:
                continue
            again = _hide_again if archived.kind == Tightening.Kind.NOTICE else None
            came = restore_tightening(tightening_id=tightening_id, archived=archived, at=self.at, again=again)
            self.summary.done[f"{archived.kind} {came}"] += 1
            links |= _links_of(archived)
            campaigns |= _campaigns_of(archived)
            if came == RestoreOutcome.UNKNOWN:
                unknown.append(str(archived.facts["ref"]))
        if links or campaigns:
            enqueue_rejudging(campaigns=campaigns, links=links, at=self.at)
        if unknown:
            self.summary.problems.append(
                f"their terms were shortened or their payment said, and they are not here: {', '.join(unknown)}."
                " Bring in the parties file, then run this again"
            )

    def _replay(self, lost: Sequence[Entry]) -> None:
        lines = lines_of(entries=lost)
        homeless: set[UUID] = set()
        choices = {UUID(entry.id): entry.choice for entry in lost if entry.choice is not None}
        # Each must be newer than what its line has.
        for number, (choice_id, choice) in enumerate(sorted(choices.items(), key=lambda one: one[1].made_at), start=1):
            line_id = lines.get(choice.line)
            if line_id is None:
                homeless.add(choice.line)
            elif choice.kind == Choice.Kind.ALLOW:
                news = restore.notify_lost_approval(
                    line_id=line_id, choice_id=choice_id, campaign=choice.ref, at=self.at
                )
                self.summary.done["lost yeses"] += news
            else:
                came = restore.restore_choice(line_id=line_id, choice_id=choice_id, archived=choice)
                self.summary.done[f"{choice.kind} {came}"] += 1
            if number % SAY_EVERY == 0:
                self.say(f"  {number} of {len(choices)} lost choices")
        if homeless:
            self.summary.problems.append(
                f"{len(homeless)} lines with lost choices are not here: bring in the lines file, then run this again"
            )

    def _raise_epochs(self, entries: Sequence[Entry]) -> None:
        """Once for each restore. What they rise to is in the archive first: the next restore must go above it."""
        if GateOpening.objects.filter(epochs_raised_at__isnull=False).exists():
            return
        to = restore.planned_epochs(at_least=_epochs_in(entries))
        archive_writing.append(entries=[Entry(id=f"epochs {self.at.isoformat()}", before="", epochs=to)], now=self.at)
        restore.raise_epochs(to=to, at=self.at)
        self.summary.done["epochs raised"] = len(to)
        self.say(f"Epochs of {len(to)} contracts raised.")

    def _tell_again(self) -> None:
        """Everybody hears in the new epoch how each line stands."""
        for contract in Contract.objects.filter(is_draft=False).order_by("pk"):
            told = requeue_in_new_epoch(contract_id=contract.pk, epoch=contract.epoch)
            for places in _older(contract):
                told += reissue_orders(places=places, at=self.at)
                if told % SAY_EVERY < PART:
                    self.say(f"  {contract.ref}: {told} lines told anew")
            self.summary.done["orders queued anew"] += told
        self.say(f"{self.summary.done['orders queued anew']} orders queued anew.")

    def _finish(self) -> None:
        opens = not self.summary.problems or bool(self.despite)
        audit.actions.record(
            action="restore.completed" if opens else "restore.kept_closed", actor=restore.ACTOR, target="database:1",
            at=self.at, reason=self.despite, detail=dict(self.summary.done) | {"problems": self.summary.problems[:20]},
        )  # fmt: skip
        if not opens:
            return
        checkpoints.write(place=places_checkpoints.place(), at=self.at, over=True)
        place = archive_sink.open_sink()
        if self.begins_anew:
            self.say(f"The archive begins anew: {requeue_everything()} more entries wait to be written to it.")
        if last := place.last():
            ArchiveHead.objects.update_or_create(
                pk=ArchiveHead.ID,
                defaults={"day": place.days()[-1], "digest": archive_entries.digest(last), "written_at": self.at},
            )
        with connections["owner" if "owner" in settings.DATABASES else "default"].cursor() as cursor:
            cursor.execute("SELECT consent_gate_open()")
        self.summary.is_open = deciding.read_opening().is_open


def _ended_in(entries: Sequence[Entry]) -> set[tuple[str, str]]:
    return {(one.end.of, one.end.ref) for one in entries if one.end is not None}


def _links_of(archived: ArchivedTightening) -> set[tuple[str, str]]:
    if archived.kind != Tightening.Kind.KIN:
        return set()
    return {(archived.facts["of"], archived.facts["ref"]), (archived.facts["of"], archived.facts["kin_ref"])}


def _campaigns_of(archived: ArchivedTightening) -> set[str]:
    """Return the campaigns whose terms it shortened, or whose payment it said."""
    if archived.kind not in (Tightening.Kind.CONTRACT, Tightening.Kind.CAMPAIGN, Tightening.Kind.PAYMENT):
        return set()
    named = {"contract__ref" if archived.kind == Tightening.Kind.CONTRACT else "ref": archived.facts["ref"]}
    return set(Campaign.objects.filter(**named).values_list("ref", flat=True))


def _has_everything() -> bool:
    try:
        return archive_comparison.compare_archive().is_open and not archive_comparison.describe_missing_entries()
    except NotThere:
        return False


def _hide_again(facts: Mapping[str, Any], at: datetime) -> RestoreOutcome:
    until = facts["suppressed_until"]
    hides = restore_order(
        disclosure_id=UUID(facts["disclosure_id"]), suppressed_until=until and datetime.fromisoformat(until),
        order_ref=facts["order_ref"], at=at,
    )  # fmt: skip
    return RestoreOutcome.REPLAYED if hides else RestoreOutcome.OVER


def _counts(came: RestoreOutcome) -> bool:
    return came == RestoreOutcome.REPLAYED


def _epochs_in(entries: Sequence[Entry]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for one in entries:
        epochs = {one.end.contract: one.end.epoch} if one.end is not None else one.epochs or {}
        for ref, epoch in epochs.items():
            found[ref] = max(found.get(ref, 0), epoch)
    return found


def _older(contract: Contract) -> Iterator[list[tuple[int, int]]]:
    """Yield where lines stand under a contract in an older epoch than its own, in parts, by line."""
    after = 0
    rows = Standing.objects.filter(contract_id=contract.pk, epoch__lt=contract.epoch).order_by("line_id")
    while lines := list(rows.filter(line_id__gt=after).values_list("line_id", flat=True)[:PART]):
        yield [(line_id, contract.pk) for line_id in lines]
        after = lines[-1]
