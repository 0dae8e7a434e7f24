"""Acts on terms that look above the partners: at what people agreed to, and at whom a link's stops newly concern."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import transaction

from consent.feeds.approvals import apply_pending_rows
from consent.models import Approval, Choice
from partners.actions import drafts
from partners.actions import terms as terms_actions
from partners.actions.guards import Of
from partners.actions.terms import RuleTerms
from partners.models import Campaign, Contract, JurisdictionRule
from partners.policies.lifecycle import NotNow
from support import tasks


def put_in_force(
    *, of: Of, target_id: int, reason: str, actor: str, at: datetime, despite: Collection[str] = ()
) -> Contract | Campaign:
    """Make a draft count from now on. What people agreed to while it was a draft never comes to count by that.

    `despite`: checks that fail and that the officer said yes to, by name; the trail keeps them.
    Raises NotNow, StaffOnly. Call outside a transaction.
    """
    # A yes that waited for this draft to be known must be seen now, not come to count later.
    apply_pending_rows(at=at)
    return _put_in_force(of, target_id, reason, actor, at, despite)


@transaction.atomic
def _put_in_force(
    of: Of, target_id: int, reason: str, actor: str, at: datetime, despite: Collection[str]
) -> Contract | Campaign:
    row = drafts.put_in_force(of=of, target_id=target_id, reason=reason, actor=actor, at=at, despite=despite)
    refs = _campaigns_of(row)
    if _has_approvals(refs):
        raise NotNow(
            f"{row.ref} can't be put in force: consent to it was recorded while it was a draft and would apply"
            " immediately. Create a new campaign, which starts with no consents."
        )
    return row


@transaction.atomic
def discard_draft(*, of: Of, target_id: int, reason: str, actor: str, at: datetime) -> str:
    """Take a draft away: its id is free again. Returns that id. Raises NotNow, StaffOnly."""
    # Looked for once it is locked: whoever records that somebody agreed to it waits, or was waited for.
    ref = drafts.discard_draft(of=of, target_id=target_id, reason=reason, actor=actor, at=at)
    if of == "campaign" and _has_approvals([ref]):
        raise NotNow(f"{ref} can't be discarded: consent to it is on record. As a draft it has no effect.")
    return ref


@transaction.atomic
def set_consideration(*, campaign_id: int, consideration: str, reason: str, actor: str, at: datetime) -> Campaign:
    """Say that as much or more is paid for a campaign's data than was written down.

    The gate keeps it when this commits; what was judged and told before is brought up to it next
    (`term_change_propagation`). Raises NotNow, ValidationError, StaffOnly.
    """
    row = terms_actions.set_consideration(
        campaign_id=campaign_id, consideration=consideration, reason=reason, actor=actor, at=at
    )
    transaction.on_commit(partial(tasks.settle.delay), robust=True)
    return row


@transaction.atomic
def add_rule(*, terms: RuleTerms, reason: str, actor: str, at: datetime) -> JurisdictionRule:
    """Prohibit uses in a state from a moment on, whoever agreed.

    One that began already is kept by the gate when this commits; what was released since is judged again and partners
    are told next, of one that is to come when it begins (`term_change_propagation`).
    Raises ValidationError, NotNow, StaffOnly.
    """
    rule = terms_actions.add_rule(terms=terms, reason=reason, actor=actor, at=at)
    transaction.on_commit(partial(tasks.settle.delay), robust=True)
    return rule


@transaction.atomic
def link(*, of: str, ref: str, kin_ref: str, link: str, reason: str, actor: str, at: datetime) -> bool:
    """Let stops and pauses hold across two parties, purposes or campaigns from now on. Returns whether it is new.

    The gate keeps it when this commits; what was released is judged again, and partners whom a stop newly concerns are
    told, next (`term_change_propagation`).
    Raises ValidationError, NotNow, StaffOnly.
    """
    new = terms_actions.link(of=of, ref=ref, kin_ref=kin_ref, link=link, reason=reason, actor=actor, at=at)
    if new:
        transaction.on_commit(partial(tasks.settle.delay), robust=True)
    return new


def _campaigns_of(row: Contract | Campaign) -> Collection[str]:
    if isinstance(row, Campaign):
        return [row.ref]
    return list(Campaign.objects.filter(contract=row).values_list("ref", flat=True))


def _has_approvals(refs: Collection[str]) -> bool:
    verified = Approval.objects.filter(campaign__in=refs, verified_by=Approval.VerifiedBy.CARRIER)
    return verified.exists() or Choice.objects.filter(kind=Choice.Kind.ALLOW, ref__in=refs).exists()
