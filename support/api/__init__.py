"""Machines' doors to the desk."""

from support.api.mail import mail

__all__ = ["mail"]
