"""Machines' doors to the desk."""

from support.api.calls import calls

__all__ = ["calls"]
