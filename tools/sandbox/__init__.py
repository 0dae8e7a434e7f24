"""A partner to try the wire with: an aggregator that keeps to docs/guides/partners.md, and can be told to misbehave.

It is a program of its own. It knows nothing of the portal but its address and speaks to it by HTTP alone, so that what
it accepts, any partner can accept. Nothing here imports Django or an app; `python -m tools.sandbox` needs no setting.
"""
