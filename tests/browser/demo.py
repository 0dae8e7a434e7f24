"""Sign in at a running demo, as its people do. For programs that look at the demo from outside."""

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

type Demo = dict[str, Any]


def read_demo(data_dir: Path) -> Demo:
    """What a demo tells programs: its address, and its people with their sign-ins."""
    demo: Demo = json.loads((data_dir / "demo.json").read_text())
    return demo | {"base_url": str(demo["base_url"]).rstrip("/")}


def person_of(demo: Demo, role: str) -> dict[str, Any]:
    """The first of the demo's people in this role."""
    return dict(next(one for one in demo["people"] if one["role"] == role))


def sign_in_subscriber(context: BrowserContext, demo: Demo) -> Page:
    """Home, after number, texted code and password."""
    person, page = person_of(demo, "subscriber"), context.new_page()
    page.goto(f"{demo['base_url']}/accounts/login/?next=/home/")
    page.fill("input[name=number]", str(person["phone"]))
    page.click("main button.main")
    page.fill("input[name=code]", newest_code(page, demo, str(person["phone"])))
    page.click("main button.main")
    page.fill("input[name=password]", str(person["password"]))
    page.click("main button.main")
    page.wait_for_url("**/home/")
    return page


def newest_code(page: Page, demo: Demo, number: str) -> str:
    """What the demo's phone of this number shows."""
    texts = page.request.get(f"{demo['base_url']}/demo/phone/", params={"number": number}).json()
    return str(texts[0]["code"])


def sign_in_staff(context: BrowserContext, demo: Demo, role: str) -> Page:
    """The first page of staff, after e-mail, password and the authenticator's code."""
    person, page = person_of(demo, role), context.new_page()
    page.goto(f"{demo['base_url']}/accounts/login/staff/")
    page.fill("input[name=login]", str(person["email"]))
    page.fill("input[name=password]", str(person["password"]))
    page.press("input[name=password]", "Enter")
    page.fill("input[name=code]", authenticator_code(str(person["totp_secret"])))
    page.press("input[name=code]", "Enter")
    page.wait_for_load_state()
    return page


def authenticator_code(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238: SHA-1, 30 seconds, six digits)."""
    digest = hmac.digest(base64.b32decode(secret), int(time.time() // 30).to_bytes(8), "sha1")
    start = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"
