"""The console's own admin site: who may come in, what may be posted, and the way round it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import translation
from django.utils.csp import CSP
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods
from unfold.sites import UnfoldAdminSite

from accounts.models import User
from accounts.views.access import staff_required
from console.views import navigation

type Page = Callable[..., HttpResponseBase]

SEEING = (User.Role.OFFICER, User.Role.AUDITOR)
LEGAL = (User.Role.LEGAL,)
OFFICERS = (User.Role.OFFICER,)
EVERYBODY = (*SEEING, *LEGAL)
READ = ("GET", "HEAD")
FORM = ("GET", "HEAD", "POST")
# The theme switch is inline and evaluates its own attributes; nothing comes from any other host.
POLICY = {
    **settings.SECURE_CSP,
    "script-src": [CSP.SELF, CSP.UNSAFE_INLINE, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}


@dataclass(frozen=True)
class Address:
    """One page of the console: where it stands, who may see it, and whether it takes a form.

    `looks`: its form only says why somebody looks, or keeps a view of their own, so that an auditor may send it too.
    `in_every_view`: it stays open to an officer who views pages as another role.
    """

    route: str
    view: Page
    name: str
    methods: tuple[str, ...] = READ
    roles: tuple[User.Role, ...] = SEEING
    looks: bool = False
    in_every_view: bool = False


class OfficersSite(UnfoldAdminSite):
    """Facts and acts; nothing is added, changed or deleted as a bare row."""

    site_title = site_header = "Whereabouts"
    addresses: Sequence[Address] = ()

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether unfold's own parts may show the way round: every page behind `door` has been checked already."""
        return isinstance(request.user, User) and request.user.role in EVERYBODY

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Every address of the console, and no others: none of Django's own add, change and delete pages."""
        return [path(one.route, door(one), name=one.name) for one in self.addresses]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the console needs: who is here, what they may, the way round."""
        return {**super().each_context(request), **navigation.context(request)}


site = OfficersSite(name="admin")


def show(request: HttpRequest, template: str, *, title: str, **context: object) -> HttpResponse:
    """One page of the console."""
    whole = {**site.each_context(request), "title": title, **context}
    return render(request, f"admin/{template}", whole)


def door(address: Address) -> Page:
    """The whole access story of one page: a role, with a second factor in this session.

    An auditor sees what an officer sees, and no form of theirs is taken but those that say why they look or keep their
    views. Who is not signed in is sent to do so. The console speaks English alone.
    """
    view = address.view
    seen = staff_required(*address.roles, in_every_view=address.in_every_view)(view)
    acting = address.roles if address.looks else tuple(role for role in address.roles if role != User.Role.AUDITOR)
    acted = staff_required(*acting, in_every_view=address.in_every_view)(view)

    @csp_override(POLICY)
    @never_cache
    @require_http_methods(list(address.methods))
    @wraps(view)
    def handle_request(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            asked = reverse("admin:index") if request.method == "POST" else request.get_full_path()
            return redirect(f"{reverse('sign-in-staff')}?{urlencode({'next': asked})}")
        page = acted if request.method == "POST" else seen
        with translation.override("en"):
            return page(request, *args, **kwargs)

    return handle_request
