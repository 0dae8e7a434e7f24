"""Every address that the URLconf knows."""

import re
from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver

BY_CONVERTER = {
    "uuid": "0192f6c1-6a20-4c55-8f10-2b8a9d3e4c70", "int": "1", "str": "x", "slug": "x", "path": "x",
    "case": "T-ABC234",
}  # fmt: skip
# It says by its status alone what is not there.
NOT_WALKED = {"readyz"}


def patterns(
    resolver: URLResolver | None = None, before: str = "", *, console: bool = False
) -> Iterator[tuple[str, str]]:
    """Every (name, route) of the URLconf; an unnamed one goes by its path. The officers' have a walk of their own."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver) and pattern.namespace == "admin" and not console:
            continue
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route, console=console)
        elif isinstance(pattern, URLPattern):
            yield pattern.name or f"/{route}", route


def filled(route: str, ids: Mapping[str, object]) -> str:
    """The path of a route with these ids in it."""
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(ids[found.group(1)]), route)


def addresses(*, console: bool = False) -> list[str]:
    """Every address, with something in the place of each id. `console`: the officers' as well."""
    return sorted(
        "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: BY_CONVERTER[found.group(1) or "str"], route)
        for name, route in patterns(console=console)
        if name not in NOT_WALKED
    )
