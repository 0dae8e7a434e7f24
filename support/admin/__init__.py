"""The officers' console at /admin/: pages that look above their model, and the acts on them."""

from support.admin.addresses import ADDRESSES
from support.admin.console import site

__all__ = ["site"]

site.addresses = ADDRESSES
