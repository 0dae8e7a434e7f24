"""Claim what is due, push it, write down what the partner said. The rows are the queue.

A claim is a lease: a worker killed at any instruction gives its orders back when the lease ends, and the partner,
which keeps the newest by `(epoch, version)`, takes a repeat for what it is. Nothing here runs inside a transaction
while it speaks to a partner.
"""

from revocations.delivery.claims import LEASE
from revocations.delivery.dispatcher import desk
from revocations.delivery.polling import LONGEST_WAIT, Offer, offer, settle
from revocations.delivery.sweep import beat, begin, deliver, deliver_due, parties_due, sweep
from revocations.delivery.verdicts import retry_wait

__all__ = [
    "LEASE",
    "LONGEST_WAIT",
    "Offer",
    "beat",
    "begin",
    "deliver",
    "deliver_due",
    "desk",
    "offer",
    "parties_due",
    "retry_wait",
    "settle",
    "sweep",
]
