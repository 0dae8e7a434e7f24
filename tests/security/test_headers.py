"""What every answer says to the browser besides itself, at every address: sessions, cookies, headers, caches."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from tests.portal.processes import PRODUCTION, PROJECT, clean_environment
from tests.walks.addresses import addresses
from tests.walks.world import World

# Of the console, which brings its own: styles inline, nothing else.
CONSOLE = "/admin/"
SETTINGS = (
    "DEBUG", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE", "LANGUAGE_COOKIE_NAME",
    "LANGUAGE_COOKIE_SECURE", "LANGUAGE_COOKIE_HTTPONLY", "LANGUAGE_COOKIE_SAMESITE", "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN", "LANGUAGE_COOKIE_DOMAIN", "DEVICE_COOKIE_NAME",
)  # fmt: skip


def faults(path: str, answer: HttpResponseBase) -> list[str]:
    """What this answer's headers lack, or have and should not."""
    said = answer.headers
    kind = said.get("Content-Type", "")
    is_page = kind.startswith("text/html")
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    wrong = [f"{name}: {said.get(name)}" for name, value in wanted.items() if said.get(name) != value]
    wrong += [
        f"sends {name}" for name in said if name.startswith("Access-Control") or name in {"Server", "X-Powered-By"}
    ]
    if kind.startswith("text/") and "charset" not in kind:
        wrong.append(f"Content-Type: {kind}")
    if is_page:
        wrong += _faults_of_policy(said.get("Content-Security-Policy", ""))
        if said.get("X-Frame-Options") != "DENY":
            wrong.append("may be framed")
        if not {"no-store", "private"} <= {*said.get("Cache-Control", "").split(", ")}:
            wrong.append(f"Cache-Control: {said.get('Cache-Control')}")
    for cookie in answer.cookies.values():
        # One that is taken away holds nothing to hide.
        is_open = bool(cookie.value) and not cookie["httponly"]
        if is_open or cookie["samesite"] != "Lax" or cookie["domain"]:
            wrong.append(f"cookie {cookie.key}: {cookie.OutputString()}")
    return [f"{path} ({answer.status_code}): {one}" for one in wrong]


def _faults_of_policy(policy: str) -> list[str]:
    rules = {name: values for name, _, values in (rule.strip().partition(" ") for rule in policy.split(";"))}
    wanted = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'", "form-action": "'self'"}
    wrong = [f"CSP {name}: {rules.get(name)}" for name, value in wanted.items() if rules.get(name) != value]
    if rules.get("script-src") != "'self'" or "object-src" in rules:
        wrong.append(f"CSP script-src: {rules.get('script-src')}")
    return wrong


def test_every_answer_to_anybody(db: None) -> None:
    browser = Client(raise_request_exception=False)
    found = [one for path in addresses() for one in faults(path, browser.get(path))]
    assert found == []


@pytest.mark.parametrize("who", ["owner", "agent"])
def test_every_answer_to_somebody_is_kept_by_no_cache(everyone: World, who: str) -> None:
    client = everyone.people[who]
    walked = ("/home/", "/history/", "/history/download.csv", "/choices/", "/lines/", "/access-log/", "/settings/",
        "/transparency/", "/transparency/all.csv", "/", "/nothing-here/", "/api/v1/openapi.json")  # fmt: skip
    wrong = []
    for path in walked:
        answer = client.get(path)
        wrong += faults(path, answer)
        if answer.headers["Cache-Control"] != "no-store, private" or answer.headers["X-Robots-Tag"] != "noindex":
            wrong.append(f"{path}: {answer.headers['Cache-Control']}")
    assert wrong == []


def test_no_page_holds_scripts_or_styles_of_its_own(everyone: World) -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=|javascript:")
    for path in ("/", "/home/", "/history/", "/choices/", "/lines/", "/stop/", "/settings/", "/transparency/"):
        page = everyone.people["owner"].get(path).content.decode()
        assert (path, inline.findall(page)) == (path, [])


def test_trace_is_not_taken(db: None) -> None:
    browser = Client(raise_request_exception=False)
    taken = [path for path in addresses() if browser.generic("TRACE", path).status_code < 300]
    assert taken == []


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    """The settings of a server that others come to."""
    told = f"print(json.dumps({{n: getattr(settings, n) for n in {SETTINGS}}}))"
    said = f"import json; from django.conf import settings; {told}"
    done = subprocess.run(
        [sys.executable, "-c", said],
        cwd=PROJECT, env=clean_environment(**PRODUCTION, DJANGO_SETTINGS_MODULE="portal.settings"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_cookies_where_others_come(production: dict[str, Any]) -> None:
    assert production["DEVICE_COOKIE_NAME"] == "__Host-device"
    for kind in ("SESSION", "CSRF", "LANGUAGE"):
        assert production[f"{kind}_COOKIE_NAME"].startswith("__Host-"), kind
        marks = [production[f"{kind}_COOKIE_{mark}"] for mark in ("SECURE", "HTTPONLY", "SAMESITE", "DOMAIN")]
        assert (kind, marks) == (kind, [True, True, "Lax", None])


def test_https_is_demanded_for_a_year(production: dict[str, Any]) -> None:
    assert production["SECURE_HSTS_SECONDS"] == 365 * 24 * 3600
    assert production["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is production["SECURE_SSL_REDIRECT"] is True
    assert production["DEBUG"] is False
