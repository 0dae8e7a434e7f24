"""Claim what is due, push it, write down what the partner said. The rows are the queue.

A claim is a lease: a worker killed at any instruction gives its orders back when the lease ends, and the partner,
which keeps the newest by `(epoch, version)`, takes a repeat for what it is. Nothing here runs inside a transaction
while it speaks to a partner.
"""
