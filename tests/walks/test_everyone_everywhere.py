"""Owner, stranger, nobody, holder of an adult's line, ex-holder, next holder of the number, agent, other partner.

Every address of the URLconf has a row for each method, with real ids of the owner's; a page without a row fails. What
a bearer link opens has rows of its own. No answer to anybody holds a mark of another person, line or company: a name,
a number in any form, a passkey's name; not in its headers, nor in a signed token.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.urls import URLResolver, get_resolver

from console.urls import ADDRESSES
from tests.selection import EVERY_CELL, drawn
from tests.walks import rows, world
from tests.walks.addresses import filled, patterns
from tests.walks.marks import found, whole, written
from tests.walks.world import MARK, World, undone

# Depends on servers that the test run may not have; it names nobody (tests/portal).
ELSEWHERE = ("readyz",)
# It only sends on.
UNNAMED = ("/accounts/",)


def test_every_address_has_a_row() -> None:
    assert {name for name, _ in patterns()} == {*rows.ROWS, *ELSEWHERE, *UNNAMED}


def test_the_officers_addresses_are_in_their_own_walk() -> None:
    resolvers = (one for one in get_resolver().url_patterns if isinstance(one, URLResolver))
    (console,) = (
        one for app in resolvers for one in app.url_patterns
        if isinstance(one, URLResolver) and one.namespace == "admin"
    )  # fmt: skip
    routes = {str(one.pattern) for one in console.url_patterns}
    assert str(console.pattern) == "admin/"
    assert routes == {one.route for one in ADDRESSES}


def test_everyone_gets_exactly_this_and_sees_only_their_own(everyone: World) -> None:
    routes = dict(patterns())
    wrong: list[str] = []
    for row, name in enumerate(rows.ROWS):
        path = filled(routes[name], everyone.ids)
        tried = {*rows.WHO[:2], *drawn(rows.WHO[2:], of=6, row=row)}
        for method, who, status in rows.expected(name):
            # Elsewhere what no address takes is refused before anybody is looked at: by day one person tries it.
            one_is_enough = method not in {"get", "post"} and name not in rows.OTHERWISE
            if not EVERY_CELL and who not in ({rows.WHO[0]} if one_is_enough else tried):
                continue
            may_see = rows.ALSO_SHOWN.get((name, who), frozenset())
            wrong += _differences(everyone, method, path, who, status, may_see)
    assert wrong == [], "\n".join(wrong)


def test_whoever_has_a_link_gets_exactly_this_and_nothing_that_it_must_not_show(everyone: World) -> None:
    wrong: list[str] = []
    for row, linked in enumerate(rows.LINKS):
        path = everyone.links[linked.link] + linked.below
        for method, who, status in drawn(rows.expected_of(linked), of=5, row=row):
            wrong += _differences(everyone, method, path, who, status, linked.shows)
    assert wrong == [], "\n".join(wrong)


def test_every_address_with_a_token_is_walked_with_a_real_one() -> None:
    old = "accounts/password/cancel/<str:token>/"  # the same page, for texts of an earlier release
    with_token = {route for _, route in patterns() if "token>" in route} - {old}
    places = {
        "stop": "stop/progress/<str:token>/",
        "agent": "authorized/by-text/<str:token>/",
        "mailed": "help/mail/<str:token>/",
        "invitation": "accounts/invitation/<str:uid>/<str:token>/",
        "cancel": "cancel/<str:token>/",
    }
    assert {places.get(one.link, "ask/<str:token>/") + one.below for one in rows.LINKS} == with_token


def _differences(
    everyone: World, method: str, path: str, who: str, status: int, may_see: frozenset[str]
) -> Iterator[str]:
    answered, shown = everyone.ask(who, method, path)
    if answered != status:
        yield f"{method} {path} as {who}: {answered}, not {status}"
    if foreign := found(everyone.foreign(who), shown) - may_see:
        yield f"{method} {path} shows {who} what is another's: {sorted(foreign)}"


def test_the_marks_are_there_to_be_found(everyone: World) -> None:
    def seen(who: str, path: str) -> set[str]:
        return found(everyone.marks, everyone.ask(who, "get", path)[1])

    assert seen("owner", "/home/") == {"owner", "asking"}
    assert seen("owner", "/accounts/2fa/webauthn/") == {"passkey"}
    assert seen("owner", "/lines/") == {"owner's number"}
    assert seen("holder", "/lines/") == {"owner's number", "holder's number"}
    assert seen("holder", "/history/") == {"holder"}
    assert seen("new holder", "/lines/") == {"ended number"}
    assert seen("nobody", everyone.links["texted"]) == {"asking"}


def test_a_number_is_found_in_every_form_and_in_a_signed_token() -> None:
    token = "eyJhbGciOiJFUzI1NiJ9." + urlsafe_b64encode(b'{"number":"+12065550101"}').decode().rstrip("=") + ".c2ln"
    for form in (
        "+12065550101", "%2B12065550101", "2065550101", "(206) 555-0101", "(206)&nbsp;555-0101", "206-555-0101",
        "206.555.0101", "206 555 0101", "206\u202f555\n0101", token,
    ):  # fmt: skip
        assert (form, found({"it": written("+12065550101")}, whole(HttpResponse(f"<p>{form}</p>")))) == (form, {"it"})
    assert found({"it": written("+12065550101")}, whole(HttpResponse("206 555 0102"))) == set()


@pytest.mark.parametrize("who", ["stranger", "holder", "ex-holder", "new holder", "agent"])
def test_naming_the_owner_s_line_opens_nothing_and_changes_nothing(everyone: World, who: str) -> None:
    line = str(everyone.line.public_id)
    refused = {"ex-holder": 302, "agent": 403}.get(who, 404)
    for path in ("/home/", "/history/", "/history/download.json", "/choices/", "/access-log/", "/choices/pause/"):
        assert (path, everyone.ask(who, "get", path, {"line": line})[0]) == (path, refused)
    for path, form in (
        ("/choices/stop/", {"scope": "all", "line": line}),
        ("/choices/dispute/", {"scope": "campaign", "ref": f"CMP-{MARK}", "line": line}),
        ("/choices/pause/", {"scope": "all", "until": "2094-01-01", "line": line}),
        ("/choices/signal/stop/", {"line": line}),
        ("/choices/allow/", {"campaign": f"CMP-{MARK}", "confirmed": "yes", "line": line}),
    ):
        with undone(everyone.people[who]) as person:
            assert (path, person.post(path, form).status_code) == (path, refused)
            assert world.choices_of(everyone.line) == 1


def test_the_owner_does_see_their_own(everyone: World) -> None:
    line = str(everyone.line.public_id)
    for path in ("/home/", "/history/"):
        assert MARK.lower() in everyone.ask("owner", "get", path, {"line": line})[1]
