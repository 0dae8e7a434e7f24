"""What a browser is called where a person looks at who is signed in."""

import pytest
from django.test import RequestFactory
from django.utils import translation

from accounts.primitives import browsers
from portal.templatetags.names import browser_named

WINDOWS, PHONE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (Linux; Android 16; Pixel 9)"


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        (f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", "Chrome (Windows)"),
        (
            f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0",
            "Edge (Windows)",
        ),
        (f"{PHONE} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36", "Chrome (Android)"),
        (
            f"{PHONE} AppleWebKit/537.36 SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari",
            "Samsung Internet (Android)",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox (Linux)"),
        ("Mozilla/5.0 (X11; CrOS x86_64 16000.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36", "Chrome (Chromebook)"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/150.0 Mobile Safari/604.1", "Chrome (iPhone)"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) Version/19.0 Safari/605.1.15", "Safari (Mac)"),
        ("Safari/605.1.15", "Safari"),
        ("curl/8.14.1", "curl/8.14.1"),
        ("x" * 200, "x" * 120),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_what_its_person_calls_it(user_agent: str, said: str) -> None:
    assert browser_named(user_agent) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Navegador desconocido"),
        ("ar", "متصفح غير معروف"),
        ("vi", "Trình duyệt không rõ"),
        ("zh-hans", "未知浏览器"),
    ],
)
def test_a_browser_that_gives_itself_no_name_is_said_to_give_none(language: str, said: str) -> None:
    with translation.override(language):
        assert browser_named("") == said


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) Version/19.0 Safari/605.1.15", "Safari|Macintosh"),
        (f"{PHONE} Chrome/150.0.0.0 Mobile Safari/537.36", "Chrome|Android"),
        (f"{WINDOWS} Chrome/150.0.0.0 Safari/537.36 Edg/150.0", "Edge|Windows"),
        ("curl/8.14.1", "another|another"),
        ("", "another|another"),
    ],
)
def test_where_somebody_signs_in_is_told_by_the_same_names(user_agent: str, device: str) -> None:
    request = RequestFactory().get("/", headers={"User-Agent": user_agent}, REMOTE_ADDR="203.0.113.9")
    assert browsers.get_device_label(request) == f"{device}|203.0.113.0/24"
