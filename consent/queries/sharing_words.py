"""How sharing stands for a line, in a few words."""

from django.utils.translation import gettext as _

from consent.queries.current_consent_uses import Sharing


def sharing_words(*, sharing: Sharing) -> str:
    """Say how sharing stands where not all of it is off."""
    if not sharing.gate_is_open:
        return _("All sharing is on hold while we check our records")
    if sharing.state == "partly" and sharing.allowed_companies:
        return _("Sharing is partly off")
    if sharing.is_suspended:
        return _("Sharing is on hold: we suspended everything that was allowed")
    return _("Sharing is on") if sharing.allowed_companies else _("No company is allowed now")
