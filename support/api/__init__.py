"""Machines' doors to the desk."""

from support.api.calls import calls
from support.api.canary import canary_events
from support.api.mail import mail

__all__ = ["calls", "canary_events", "mail"]
