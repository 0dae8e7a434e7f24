"""Staff at a browser: signed in, with a second factor in the session or without."""

import csv
import io
import re
import time
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple

from django.conf import settings
from django.test import Client

from accounts.models import User
from consent.gate import deciding
from consent.gate.shapes import Question
from partners.models import Campaign

# Looks at a person say what for as well; other acts don't read it.
WHY = {"kind": "fault", "reason": "They sold it on."}


class Member(NamedTuple):
    """One member of staff with their browser."""

    user: User
    client: Client

    @property
    def actor(self) -> str:
        return f"{self.user.role}:{self.user.pk}"


def staff(role: str = User.Role.OFFICER, *, name: str = "", second_factor: bool = True, csrf: bool = False) -> Member:
    """A member of staff who is signed in."""
    name = name or role
    user = User.objects.create_user(name, f"{name}@carrier.example", "three quiet words", role=role, is_staff=True)
    member = Member(user, Client(enforce_csrf_checks=csrf))
    sign_in_anew(member, second_factor=second_factor)
    return member


def sign_in_anew(member: Member, *, second_factor: bool = True) -> None:
    """Sign in once more, now."""
    client = member.client
    client.cookies.clear()
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    given = [{"method": "password", "at": time.time()}]
    if second_factor:
        given.append({"method": "mfa", "type": "totp", "at": time.time()})
    session["account_authentication_methods"] = given
    session["account_authentication_methods_user"] = str(member.user.pk)
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)


def post(member: Member, path: str, data: Mapping[str, object] | None = None) -> str:
    """Send a form; where it leads, or "" and the page is shown again."""
    answer = member.client.post(path, {**WHY, **(data or {})})
    assert answer.status_code in {200, 302}
    return answer.headers.get("Location", "")


def words(page: str) -> str:
    """The main part of a page as text, in one line."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0]).split()))


def shown(member: Member, path: str, data: Mapping[str, object] | None = None) -> str:
    answer = member.client.get(path) if data is None else member.client.post(path, {**WHY, **data})
    assert answer.status_code == 200
    return words(answer.content.decode())


def searched(member: Member, asked: str) -> str:
    """The address of what a search in the console found."""
    return str(member.client.post("/admin/search/", {"q": asked}).headers["Location"])


def rows_of(member: Member, path: str) -> list[str]:
    """Each row of a list as its text."""
    page = member.client.get(path).content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", page, flags=re.DOTALL)
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", row).split())) for row in rows]


def csv_of(member: Member, path: str, data: Mapping[str, object] | None = None) -> list[dict[str, str]]:
    """A file that is streamed: its rows by the names of their columns."""
    answer = member.client.get(path) if data is None else member.client.post(path, data)
    assert answer.streaming
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def confirmed(member: Member, path: str, data: Mapping[str, object]) -> str:
    """Send a form, look at what it would do, and say yes to that; where it leads then."""
    page = member.client.post(path, {**WHY, **data}).content.decode()
    seal = page.partition('name="seen" value="')[2].partition('"')[0]
    return post(member, path, {**data, "seen": seal})


def ask(campaign: Campaign, line_id: str) -> str:
    """Why the gate says no to this campaign about this line; "" for a yes."""
    question = Question(
        aggregator=campaign.contract.aggregator.uri, provider=campaign.lbs_provider.uri, campaign=campaign.ref,
        purpose=campaign.purpose, scope=campaign.scope, precision_m=campaign.precision_m, line=line_id,
    )  # fmt: skip
    (answer,) = deciding.evaluate(questions=[question])
    return str(answer.reason)


def places(member: Member, path: str) -> list[str]:
    """Where the menu says that this page is."""
    menu = member.client.get(path).content.decode().partition("</nav>")[0]
    return [
        unescape(name) for name in re.findall(r'aria-current="page">\s*<span[^>]*>[^<]*</span>([^<]+?)\s*</a>', menu)
    ]
