"""Where no company can get a location, whatever the person said, the line is not said to be shared, in any language."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Line
from partners.models import Suspension
from tests.factories import a_campaign, a_line, an_approval
from tests.feeds import Row, line_row, take_lines
from tests.people import PASSWORD, Browser, signed_in
from tests.words.pages import main, opened, read

pytestmark = pytest.mark.usefixtures("db", "no_broker")

# Of a line that ended, that its companies are suspended, and what is said where one of them can get it.
SAID = {
    "en": ("The line ended", "Sharing is on hold: we suspended everything that was allowed", "Sharing is on"),
    "es": (
        "La línea terminó", "El uso compartido está en espera: hemos suspendido todo lo que estaba permitido",
        "El uso compartido está activado",
    ),
    "vi": (
        "Thuê bao đã kết thúc", "Chia sẻ tạm ngừng: chúng tôi đã đình chỉ mọi thứ được cho phép", "Chia sẻ đang bật",
    ),
    "zh-hans": ("这条线路结束了", "共享暂停：我们中止了所有被允许的共享", "共享开着"),
    "ar": ("انتهى الخط", "المشاركة متوقفة مؤقتًا: علّقنا كل ما كان مسموحًا به", "المشاركة تعمل"),
}  # fmt: skip


def state_of(person: Browser, language: str) -> str:
    """What home says over all."""
    return read(opened(person, "/home/", language).text).one("p", of_class="state").words


def test_a_line_that_ended() -> None:
    about: Row = {"line_id": "L-over", "msisdn": "+12065550173", "account_id": "A-over"}
    take_lines(line_row(**about))
    signed_in(Line.objects.get(carrier_id="L-over"))
    take_lines(line_row(**about, deactivated_at=(timezone.now() - timedelta(minutes=1)).isoformat()))
    person = Browser()
    person.post("/accounts/login/ended/", {"number": "+12065550173", "password": PASSWORD})
    for language, (over, _, _) in SAID.items():
        assert state_of(person, language) == over
        assert over in main(person, "/lines/", language).lines
    said = r"This line ended on [^.]*\. No company can get a location for it now\."
    assert re.search(said, main(person, "/home/", "en").words)


def test_every_company_that_was_allowed_is_suspended() -> None:
    line, uses = a_line(), [a_campaign(ref=f"CMP-{n}") for n in range(2)]
    for use in uses:
        an_approval(line, use)
    person = signed_in(line)
    for n, use in enumerate(uses, start=1):
        Suspension.objects.create(
            of="campaign", target_id=use.pk, starts_at=timezone.now(), reason="test", actor="officer:1"
        )
        for language, said in SAID.items():
            assert state_of(person, language) == said[1 if n == len(uses) else 2]
