"""Fixtures of more than one test of the portal."""

from tests.partners.fixtures import outside

__all__ = ["outside"]
