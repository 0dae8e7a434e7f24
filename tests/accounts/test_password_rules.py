"""A password that is made of words of this site, or of its person's name, number or mail, is refused."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from pytest_django.fixtures import Settings

from accounts.models import Line, User
from tests.factories import a_line
from tests.people import Browser, number_of, sign_in, sign_in_by_code, user_of
from tests.staff import a_staff_user

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def is_refused(password: str, user: User | None = None) -> bool:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return any(one.code == "password_of_own_words" for one in error.error_list)
    return False


OWN = ["whereabouts2026", "Location-Location!", "wh3r3ab0ut$99", "stopTracking123", "MyCarrier2026", "Tel-Uno-Mobile!"]
OTHER = ("three quiet words", "my location is nobody's business", "christopher robin 7")


def test_words_of_the_site_and_its_carrier(settings: Settings) -> None:
    assert [is_refused(password) for password in OTHER] == [False] * 3
    settings.BASE_URL, settings.PASSWORD_WORDS = "https://whereabouts.mycarrier.example", ["Tel Uno", "Uno"]
    assert [is_refused(password) for password in OWN] == [True] * 6


def test_their_own_number_name_and_mail() -> None:
    line = a_line()
    sign_in_by_code(line)
    user = user_of(line)
    number = number_of(line)
    Line.objects.filter(pk=line.pk).update(user_role=Line.UserRole.HOLDER)
    for password in (number, number[2:], f"({number[2:5]}) {number[5:8]}-{number[8:]} ok", f"{number[-7:]}abc"):
        assert (password, is_refused(password.replace(" ", "").replace("(", "").replace(")", ""), user)) == (
            password, "-" not in password,
        )  # fmt: skip
        assert not is_refused(f"{password} over the garden wall", user)
    officer = a_staff_user("officer", first_name="Marguerite", last_name="Oyelaran")
    assert is_refused("oyelaran-marguerite", officer)
    assert is_refused(officer.email, officer)
    assert not is_refused("oyelaran-marguerite", user)


def test_it_is_said_on_the_page() -> None:
    line = a_line()
    browser: Browser = sign_in_by_code(line)
    page = browser.post("/accounts/password/set/", {"password": f"+1{number_of(line)[2:]}"})
    assert page.status_code == 200
    assert "This password is easy to guess:" in page.text
    assert not user_of(line).has_usable_password()


def test_no_password_is_called_easy_before_it_is_typed() -> None:
    page = sign_in(a_line()).get("/accounts/password/change/").text
    assert "be made of words from this site, or your name, e-mail or number." in page
    assert "easy to guess" not in page
