"""Who may do what, and pages as another role finds them."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.actions.staff import record_view
from accounts.domain import view_as
from accounts.models import User
from accounts.policies.permission_words import list_staff_permissions
from accounts.policies.permissions import StaffAction, actor_of, staff_may
from accounts.views.access import PersonRequest
from console.views.site import show

# Where a role begins, as far as an officer may go there.
FIRST_PAGE = {
    User.Role.AGENT: "desk",
    User.Role.AUDITOR: "admin:index",
    User.Role.LEGAL: "admin:imports",
    User.Role.OFFICER: "admin:roles",
}
STAFF = tuple(role for role in User.Role if role != User.Role.SUBSCRIBER)


def roles(request: PersonRequest) -> HttpResponse:
    """Each permission by role; for officers also the switch that shows pages as another role finds them."""
    wanted = request.POST.get("role", "")
    if wanted in FIRST_PAGE and wanted != view_as.get_shown_role(request):
        role = User.Role(wanted)
        record_view(role=role, actor=actor_of(request.user), at=timezone.now())
        view_as.set_viewed_role(request, role=role)
        return redirect(FIRST_PAGE[role])
    rows = [(does, [role in who for role in STAFF]) for does, who in list_staff_permissions()]
    offered = view_as.ROLES if staff_may(request.user.role, StaffAction.VIEW_AS) else ()
    return show(request, "roles.html", title="Roles", staff=STAFF, rows=rows, offered=offered)
