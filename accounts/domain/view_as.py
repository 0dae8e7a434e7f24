"""Pages as another role of staff would find them: for officers, who see which doors that role has.

It opens nothing: what a page shows is still the officer's own. While it is on, nobody acts (`staff_required`) or
downloads (`staff_download`).
"""

from collections.abc import Collection

from django.http import HttpRequest

from accounts.models import User

KEY = "view_as"
ROLES = (User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL)


def set_viewed_role(request: HttpRequest, *, role: User.Role) -> None:
    """Show this session's pages as a role would find them; as they are again where it is none of ROLES."""
    request.session.pop(KEY, None)
    if role in ROLES:
        request.session[KEY] = {"role": str(role), "name": str(role.label)}


def get_viewed_role(request: HttpRequest) -> str:
    """Return the role as which an officer views pages; "" for none."""
    is_officer = isinstance(request.user, User) and request.user.role == User.Role.OFFICER
    return str(request.session.get(KEY, {}).get("role", "")) if is_officer else ""


def get_shown_role(request: HttpRequest) -> str:
    """Return the role whose menus, buttons and pages are shown: the one viewed as, or one's own; "" for nobody."""
    return get_viewed_role(request) or (request.user.role if isinstance(request.user, User) else "")


def is_shut(request: HttpRequest, *, roles: Collection[User.Role]) -> bool:
    """Return whether a page for these roles is shut because an officer views pages as another, or would act there."""
    viewed = get_viewed_role(request)
    return bool(viewed) and (request.method == "POST" or viewed not in roles)
