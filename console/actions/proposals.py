"""The second officer's yes, and with it the act."""

import uuid
from datetime import datetime
from functools import partial

from django.db import transaction

from consent.actions.lines import terminate
from consent.queries import termination
from consent.workers.cohorts import PlanChanged
from console.actions.imports import import_proposed_file
from disclosures.actions import loosen_anomaly_rule
from partners.actions import proposals
from partners.actions.notices import publish_notice
from partners.actions.proposals import carry_out, mark_agreed
from partners.actions.suspensions import lift
from partners.models import Proposal
from partners.policies import loosening
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import Terminate
from revocations.models import Cohort
from support import tasks
from support.actions.protected_lines import end_protection


def propose_termination(*, of: str, target_id: int, plan: str, reason: str, actor: str, at: datetime) -> Proposal:
    """Ask for another officer's yes to an end, by the digest of the plan that was seen.

    Raises NotNow for what is ended already or no proposal can be about now; StaffOnly.
    """
    _refuse_ended(of, target_id)
    return proposals.propose(
        act=Proposal.Act.TERMINATE, of=of, target_id=target_id, payload={"plan": plan}, reason=reason, actor=actor,
        at=at,
    )  # fmt: skip


@transaction.atomic
def agree_to_proposal(*, proposal_id: uuid.UUID, reason: str, actor: str, at: datetime) -> Proposal:
    """Say yes to another officer's proposal and do what it proposes, in one transaction.

    Raises NotNow for one's own, a decided or an expired proposal, and where things have changed since; StaffOnly.
    """
    proposal = mark_agreed(proposal_id=proposal_id, reason=reason, actor=actor, at=at)
    if proposal.act == Proposal.Act.LIFT_SUSPENSION:
        lift(proposal=proposal, at=at)
    elif proposal.act == Proposal.Act.TERMINATE:
        _terminate(proposal, reason, at)
    elif proposal.act == Proposal.Act.LOOSEN_ANOMALIES:
        loosen_anomaly_rule(proposal=proposal, at=at)
    elif proposal.act == Proposal.Act.IMPORT_FILE:
        import_proposed_file(proposal=proposal, at=at)
    elif proposal.act == Proposal.Act.END_PROTECTION:
        end_protection(proposal=proposal, at=at)
    elif proposal.act == Proposal.Act.PUBLISH_NOTICE:
        publish_notice(proposal=proposal, at=at)
    else:
        carry_out(proposal=proposal, at=at)
    transaction.on_commit(partial(tasks.settle.delay), robust=True)
    return proposal


def _terminate(proposal: Proposal, reason: str, at: datetime) -> None:
    """By the plan that the first officer saw; by the one of now where the proposal names none."""
    wanted = loosening.read(act=proposal.act, of=proposal.of, payload=proposal.payload)
    of, target_id = proposal.of, proposal.target_id
    seen = wanted.plan if isinstance(wanted, Terminate) else ""
    _refuse_ended(of, target_id)
    try:
        terminate(
            of=of,
            target_id=target_id,
            actor=proposal.proposed_by,
            second_actor=proposal.decided_by,
            reason=f"{proposal.reason} / {reason}",
            plan_digest=seen or termination.plan(of=of, target_id=target_id, at=at).digest,
            at=at,
        )
    except PlanChanged as error:
        raise NotNow(str(error)) from error


def _refuse_ended(of: str, target_id: int) -> None:
    cohort = Cohort.objects.filter(of=of, target_id=target_id).first()
    if cohort is not None and cohort.by_term:
        raise NotNow(f"Its term was over on {cohort.terminated_at:%-d %b %Y}. Nothing is left to end.")
    if cohort is not None:
        raise NotNow(f"It was terminated already, on {cohort.terminated_at:%-d %b %Y}. Nothing is left to end.")
