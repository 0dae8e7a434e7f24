"""What a trial makes of the receipts that came in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from partners.clients import http
from revocations.models import Trial, TrialOrder, TrialReceipt, TrialShard
from tools.conformance.minting import MintedCohort, MintedEvent
from tools.conformance.report import Target, Verdict


def trial_receipts(*, trial: Trial) -> Mapping[str, Sequence[TrialReceipt]]:
    """Return the receipts that came in, by the `jti` of their order, oldest first."""
    found: dict[str, list[TrialReceipt]] = {}
    for receipt in TrialReceipt.objects.filter(order__trial=trial).order_by("received_at"):
        found.setdefault(receipt.order_id, []).append(receipt)
    return found


def fetched_parts(*, manifest_id: UUID) -> tuple[int, int]:
    """Return how many parts of a trial's manifest were fetched, and how many there are."""
    parts = list(TrialShard.objects.filter(manifest_id=manifest_id).values_list("fetched_at", flat=True))
    return sum(at is not None for at in parts), len(parts)


def is_downstream_refused(*, jti: str) -> bool:
    """Return whether a receipt for this order was refused for that of a company below."""
    return TrialOrder.objects.filter(jti=jti, below=TrialOrder.Below.REFUSED).exists()


CANNOT_BE_SEEN = "cannot be seen from here"

type Came = Mapping[str, Sequence[TrialReceipt]]


@dataclass
class SentEvents:
    """What the end took, and what of that is to be signed for in which way.

    `part`: the end of a part of an agreement, and the companies of the part that goes on. `unregistered`: the order
    whose first receipt is refused for that of a company below.
    """

    taken: dict[str, MintedEvent] = field(default_factory=dict)
    reordered: tuple[MintedEvent, MintedEvent] | None = None
    late: MintedEvent | None = None
    unfit: dict[str, MintedEvent] = field(default_factory=dict)
    cohort: MintedCohort | None = None
    part: tuple[MintedCohort, frozenset[str]] | None = None
    unregistered: MintedEvent | None = None
    asked: MintedEvent | None = None

    def owed(self) -> list[MintedEvent]:
        """Return what a completed receipt is waited for."""
        single = [self.cohort, self.part[0] if self.part else None, self.unregistered]
        return [*self.taken.values(), *(one for one in single if one is not None)]


@dataclass(frozen=True)
class ReceiptReview:
    """Looks at the receipts of one trial. `find` hears each verdict; `awaited`: whether receipts were waited for."""

    trial: Trial
    target: Target
    sent: SentEvents
    awaited: bool
    find: Callable[[str, Verdict, str], None]

    def is_completed(self, minted: MintedEvent) -> bool:
        """Return whether a receipt that would count came for this."""
        return _any(trial_receipts(trial=self.trial), minted)

    def all_came(self) -> bool:
        """Return whether there is nothing more to wait for."""
        came = trial_receipts(trial=self.trial)
        if self.sent.asked is not None and self.sent.asked.jti not in came:
            return False
        return all(_any(came, one) for one in self.sent.owed()) and all(
            minted.jti in came for minted in self.sent.unfit.values()
        )

    def judge(self) -> None:
        """Look at everything that came."""
        came = trial_receipts(trial=self.trial)
        for step in (
            self._receipts, self._cohort_receipt, self._repeats, self._unfit, self._downstream, self._part,
            self._check_unregistered_company, self._evidence,
        ):  # fmt: skip
            step(came)

    def _receipts(self, came: Came) -> None:
        taken = self.sent.taken
        lacking = [f"{name}: {_why_not(came.get(one.jti, ()))}" for name, one in taken.items() if not _any(came, one)]
        if not self.awaited or not taken:
            self.find("receipts", Verdict.UNKNOWN, "no order was taken" if self.awaited else "not waited for")
        elif lacking:
            self.find("receipts", Verdict.FAILED, "; ".join(lacking))
        else:
            self.find("receipts", Verdict.PASSED, f"{len(taken)} of {len(taken)}")

    def _cohort_receipt(self, came: Came) -> None:
        cohort = self.sent.cohort
        if not self.awaited or cohort is None:
            self.find("cohort-receipt", Verdict.UNKNOWN, "no cohort was taken" if self.awaited else "not waited for")
        elif _any(came, cohort):
            self.find("cohort-receipt", Verdict.PASSED, "completed, with its counts")
        else:
            self.find("cohort-receipt", Verdict.FAILED, _why_not(came.get(cohort.jti, ())))

    def _repeats(self, came: Came) -> None:
        good = self.sent.taken.get("good-order")
        if good is not None and len({one.jti for one in came.get(good.jti, ())}) > 1:
            self.find("repeated", Verdict.FAILED, "202; and two receipts for one order")
        for name, minted in self._older():
            if any(one.status == "completed" for one in came.get(minted.jti, ())):
                self.find(name, Verdict.FAILED, "202; and it signed that it carried out the older order")
            elif not came:
                self.find(name, Verdict.UNKNOWN, f"202; whether it was ignored {CANNOT_BE_SEEN}")

    def _unfit(self, came: Came) -> None:
        for name, minted in self.sent.unfit.items():
            statuses = [one.status or one.fault for one in came.get(minted.jti, ())]
            if not statuses:
                self.find(name, Verdict.UNKNOWN, f"202; whether it was denied {CANNOT_BE_SEEN}")
            elif all(status == "rejected" for status in statuses):
                self.find(name, Verdict.PASSED, "202; signed as rejected")
            else:
                self.find(name, Verdict.FAILED, f"202; signed: {http.readable(', '.join(statuses))}")

    def _older(self) -> list[tuple[str, MintedEvent]]:
        """Return the orders that came after a newer one."""
        older = [("reordered", self.sent.reordered[1])] if self.sent.reordered else []
        return older + ([("late-order", self.sent.late)] if self.sent.late else [])

    def _valid_receipts(self, came: Came) -> list[TrialReceipt]:
        return [one for minted in self.sent.taken.values() for one in came.get(minted.jti, ()) if _valid(one)]

    def _downstream(self, came: Came) -> None:
        wanted = {below.recipient for below in self.target.below}
        receipts = self._valid_receipts(came)
        if not wanted or not receipts:
            why = "no receipt came" if wanted else "no company below is known to us"
            self.find("downstream", Verdict.UNKNOWN, f"{CANNOT_BE_SEEN}: {why}")
            return
        missing = set[str]().union(*(wanted - {*one.downstream} for one in receipts))
        if missing:
            self.find("downstream", Verdict.FAILED, f"not named: {', '.join(sorted(missing))}")
        else:
            signed = min(one.signed for one in receipts)
            self.find("downstream", Verdict.PASSED, f"all {len(wanted)} are named, {signed} signed themselves")

    def _part(self, came: Came) -> None:
        """Whoever told a company whose use goes on has taken the end of a part for the end of all."""
        if self.sent.part is None or not self.awaited:
            return
        cohort, going_on = self.sent.part
        told = {uri for one in came.get(cohort.jti, ()) for uri in one.downstream} & going_on
        if told:
            self.find("part-cohort", Verdict.FAILED, f"202; told {', '.join(sorted(told))}, whose use goes on")
        elif _any(came, cohort):
            self.find("part-cohort", Verdict.PASSED, "202; the list was fetched; signed for that part")
        else:
            self.find("part-cohort", Verdict.FAILED, f"202; its receipt: {_why_not(came.get(cohort.jti, ()))}")

    def _check_unregistered_company(self, came: Came) -> None:
        order = self.sent.unregistered
        if order is None:
            return
        if not self.awaited:
            self.find("unregistered-below", Verdict.UNKNOWN, "202; receipts are not waited for")
        elif not is_downstream_refused(jti=order.jti):
            why = f"202; {CANNOT_BE_SEEN}: no receipt came that a company below signed itself"
            self.find("unregistered-below", Verdict.UNKNOWN, why)
        elif _any(came, order):
            self.find("unregistered-below", Verdict.PASSED, "refused with 400, and handed in again")
        else:
            self.find("unregistered-below", Verdict.FAILED, "refused with 400, and nothing came after that")

    def _evidence(self, came: Came) -> None:
        answers = [one.status for one in came.get(self.sent.asked.jti, ())] if self.sent.asked else []
        if answers:
            self.find("evidence", Verdict.PASSED, f"202; answered: {http.readable(answers[0])}")
        elif self.sent.asked is not None and self.awaited:
            self.find("evidence", Verdict.FAILED, "202; and no answer came")


def _valid(receipt: TrialReceipt) -> bool:
    return receipt.status == "completed" and not receipt.fault


def _any(came: Came, minted: MintedEvent) -> bool:
    return any(_valid(one) for one in came.get(minted.jti, ()))


def _why_not(receipts: Sequence[TrialReceipt]) -> str:
    return http.readable(", ".join(one.fault or one.status for one in receipts)) or "none came"
