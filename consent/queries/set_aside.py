"""Which yeses of the ledger count for their line: not those that are set aside, which were another's."""

from django.db.models import Exists, OuterRef

from consent.models import SetAside

STANDS = ~Exists(SetAside.objects.filter(line_id=OuterRef("line_id"), yes_id=OuterRef("id")))
