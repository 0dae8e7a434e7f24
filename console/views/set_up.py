"""How a company, contract or campaign is set up."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.queries.set_up import get_set_up
from console.views.site import show


def check(request: PersonRequest, of: str, target_id: int) -> HttpResponse:
    """Check its addresses, keys and terms now, and show what subscribers read."""
    shown = (
        get_set_up(of=of, target_id=target_id, at=timezone.now()) if of in {"party", "contract", "campaign"} else None
    )
    if shown is None:
        raise Http404
    back = reverse(f"admin:{of}", args=[target_id])
    return show(request, "set_up.html", title=f"Set-up of {shown.name}", set_up=shown, back=back)
