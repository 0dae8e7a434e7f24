"""Rules broken so that it shows only where several things happen one after the other, or at one moment."""

from tests.mutants.mutant import Mutant

MACHINE = "tests/machine/test_machine.py::test_whatever_happens_the_promises_hold"

MUTANTS = (
    # A yes of the moment of a no is not newer than it: neither does it live beside it, nor is the no pierced by it.
    Mutant(
        3,
        "consent/gate/rules.py",
        "            self.since > denied_at and self.counts_against(origin) for denied_at, origin in denials",
        "            self.since >= denied_at and self.counts_against(origin) for denied_at, origin in denials",
        MACHINE,
    ),
    Mutant(
        3,
        "consent/gate/rules.py",
        "any(approval.since > denied_at and approval.counts_against(origin) for approval in self.approvals)",
        "any(approval.since >= denied_at and approval.counts_against(origin) for approval in self.approvals)",
        MACHINE,
    ),
    Mutant(
        3,
        "consent/gate/rules.py",
        "any(approval.since > denied_at and approval.counts_against(origin) for approval in self.approvals)",
        "any(approval.since > denied_at for approval in self.approvals)",
        MACHINE,
    ),
    # Which of several noes is named.
    Mutant(
        2,
        "consent/gate/rules.py",
        'NARROWEST_FIRST = ("campaign", "purpose", "party", "all")',
        'NARROWEST_FIRST = ("all", "party", "purpose", "campaign")',
        MACHINE,
    ),
    Mutant(
        2,
        "consent/gate/rules.py",
        "        newest = max(denied_at for denied_at, _ in standing)",
        "        newest = min(denied_at for denied_at, _ in standing)",
        MACHINE,
    ),
    Mutant(
        2,
        "consent/gate/rules.py",
        (
            "    if not line.contract_in_force:\n"
            '        return "contract_not_in_force"\n'
            "    if not line.campaign_in_force:\n"
            '        return "campaign_not_in_force"\n'
        ),
        (
            "    if not line.campaign_in_force:\n"
            '        return "campaign_not_in_force"\n'
            "    if not line.contract_in_force:\n"
            '        return "contract_not_in_force"\n'
        ),
        MACHINE,
    ),
    # A yes that came by the new number, at the very moment of the change.
    Mutant(
        7,
        "consent/gate/rules.py",
        "        if self.since >= number_changed_at:",
        "        if self.since > number_changed_at:",
        MACHINE,
    ),
    # A rule of a state, and a suspension, at their beginning; the statement for many, and the one for one.
    Mutant(
        2,
        "consent/gate/look_up.py",
        "            WHERE rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)",
        "            WHERE rule.starts_at < moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)",
        MACHINE,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "            AND rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)\n"
        "            AND (c.purpose",
        "            AND rule.starts_at < moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)\n"
        "            AND (c.purpose",
        MACHINE,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "        AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)) suspended",
        "        AND s.starts_at < moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)) suspended",
        MACHINE,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    k.starts_at <= at.at AND at.at < k.in_force_until,",
        "    k.starts_at <= at.at AND at.at <= k.in_force_until,",
        MACHINE,
    ),
    # What one officer does alone.
    Mutant(
        3,
        "partners/actions/proposals.py",
        "    if proposal.proposed_by == name:\n"
        '        raise NotNow("You proposed it, so another officer must approve it.")\n',
        "",
        MACHINE,
    ),
    # What was released at the very moment of an act is judged by it.
    Mutant(
        6,
        "support/workers/term_change_propagation.py",
        '("put_in_force", "shortened", "extended", "terminated")',
        '("put_in_force", "shortened", "extended")',
        MACHINE,
    ),
    Mutant(
        6,
        "disclosures/domain/ingest/projections.py",
        "d.occurred_at >= %(since)s\n    AND (d.campaign = ANY (%(campaigns)s) OR",
        "d.occurred_at > %(since)s\n    AND (d.campaign = ANY (%(campaigns)s) OR",
        MACHINE,
    ),
    Mutant(
        6,
        "support/workers/term_change_propagation.py",
        "    enqueue_state_rejudging(state=rule.state, since=rule.ends_at or now)\n",
        "",
        MACHINE,
    ),
    # By all that is on record, also what was written ahead of the clock.
    Mutant(
        6,
        "disclosures/domain/ingest/rejudging.py",
        "d.occurred_at, 'infinity', d.id",
        "d.occurred_at, audit_now(), d.id",
        MACHINE,
    ),
    # Partners hear of the end of a pause at its end.
    Mutant(
        5,
        "consent/workers/expiry.py",
        "kind=Choice.Kind.PAUSE, until__lte=now)",
        "kind=Choice.Kind.PAUSE, until__lt=now)",
        MACHINE,
    ),
    # What is owed stays owed, until it is signed as done, by everybody below.
    Mutant(
        4,
        "revocations/actions/orders.py",
        "    return sorted([*still, *fresh], key=",
        "    return sorted(fresh or still, key=",
        MACHINE,
    ),
    Mutant(4, "revocations/actions/receipts.py", "        since__lte=order.queued_at,\n", "", MACHINE),
    Mutant(
        6,
        "revocations/queries/coverage.py",
        "if one.status == State.COMPLETED and one.signed}",
        "if one.status == State.COMPLETED}",
        MACHINE,
    ),
    Mutant(
        6,
        "revocations/actions/receipts.py",
        "MOVABLE = (*TO_PUSH, State.ACKNOWLEDGED, State.REJECTED, State.PARTIAL)",
        "MOVABLE = (*TO_PUSH, State.ACKNOWLEDGED, State.REJECTED)",
        MACHINE,
    ),
    Mutant(
        5,
        "revocations/domain/receipts.py",
        "(applied.epoch, applied.version) < (epoch, version)",
        "applied.epoch < epoch",
        MACHINE,
    ),
    # Whose a yes is that came at the very moment at which the number went to another, and was heard of late.
    Mutant(7, "consent/feeds/approvals.py", "captured_at__gte=since)", "captured_at__gt=since)", MACHINE),
    Mutant(
        7,
        "consent/feeds/approvals.py",
        "(one.ends_at is None or moment < one.ends_at)",
        "(one.ends_at is None or moment <= one.ends_at)",
        MACHINE,
    ),
    # A line takes over what was stopped on the one before it, up to the moment of the change.
    Mutant(
        3,
        "consent/feeds/line_continuity.py",
        "made_at__lte=line.activated_at",
        "made_at__lt=line.activated_at",
        MACHINE,
    ),
    Mutant(
        3,
        "consent/feeds/line_continuity.py",
        "SAID_HERE = (Origin.PERSON, Origin.SYSTEM)",
        "SAID_HERE = (Origin.SYSTEM,)",
        MACHINE,
    ),
    # What a court hid counts from the end of its order on.
    Mutant(
        11,
        "disclosures/domain/ingest/projections.py",
        "        AND (n.suppressed_until IS NULL OR n.suppressed_until > %(at)s)",
        "        AND (n.suppressed_until IS NULL OR n.suppressed_until >= %(at)s)",
        MACHINE,
    ),
    # Whether the event is on the partner's disk, a proxy's page does not say.
    Mutant(
        6,
        "revocations/workers/delivery/verdicts.py",
        "    if reply.body or reply.detail:\n",
        "    if reply.detail:\n",
        MACHINE,
    ),
    # What was signed in part about an ended agreement is not taken back.
    Mutant(
        6,
        "revocations/actions/cohorts.py",
        'case "rejected" if now in BEFORE_ANY_RECEIPT:',
        'case "rejected":',
        "tests/revocations/test_cohort_receipts.py::test_a_state_goes_on_and_never_back",
    ),
    Mutant(
        6,
        "revocations/actions/cohorts.py",
        'case "in_progress" if now in TO_PUSH:',
        'case "in_progress":',
        "tests/revocations/test_cohort_receipts.py::test_a_state_goes_on_and_never_back",
    ),
    # A new stream begins without what an earlier one acknowledged.
    Mutant(
        6,
        "revocations/workers/verification.py",
        "queued_at__gte=stream.created_at, ",
        "",
        "tests/revocations/test_verification.py::test_an_acknowledgement_ends_what_had_failed",
    ),
)
