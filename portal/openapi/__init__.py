"""What machines may call, as OpenAPI 3.1: made from the published schemas and from what requests are read by."""

from portal.openapi.document import document
from portal.openapi.shown import Shown, shown

__all__ = ["Shown", "document", "shown"]
