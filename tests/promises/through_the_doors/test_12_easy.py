"""Promise 12: to stop takes fewer steps than to allow, by buttons that a page without scripts has, and no account."""

from collections.abc import Callable

from tests.feeds import ROAD
from tests.promises.through_the_doors.browser import Browser, Page
from tests.promises.through_the_doors.files import ROADSIDE, TRACKING
from tests.promises.through_the_doors.product import Product


def needs_no_script(page: Page) -> bool:
    """Whether a page works as it came: nothing on it waits for a script, and each field has its label."""
    fields = [one for one in page.main.all("input") if one.attributes.get("type", "text") not in {"hidden", "submit"}]
    labelled = {one.attributes.get("for") for one in page.main.all("label")}
    return (
        page.status == 200
        and all(form.method in {"get", "post"} and form.path.startswith("/") for form in page.forms())
        and not [name for one in page.main.all() for name in one.attributes if name.startswith("on")]
        and all(one.attributes.get("id") in labelled for one in fields)
    )


def test_the_phone_stops_all_with_three_buttons(product: Product) -> None:
    line, browser = product.next_line(), product.browser()
    pages = [browser.get("/"), browser.get("/stop/")]
    assert pages[0].links("/stop/") or pages[0].forms("/stop/")
    pages.append(product.stops_all(line, browser))
    assert (browser.pressed, product.answers(line), product.answers(line, TRACKING)) == (3, *["stopped_all"] * 2)
    assert all(needs_no_script(page) for page in pages)
    # It is no sign-in: it opens no page of the line's.
    assert browser.get("/home/").url.startswith("/accounts/login/")


def test_a_stop_takes_one_button_and_allowing_two(product: Product) -> None:
    line, browser = product.next_line(), product.browser()
    product.signs_in(line, browser)
    signed_in = browser.pressed

    def pressed(act: Callable[[Browser], object], answer: str) -> int:
        before = browser.pressed
        act(browser)
        assert product.answers(line, ROADSIDE) == answer
        return browser.pressed - before

    def stop_all(browser: Browser) -> None:
        browser.send(browser.get("/home/").form("/choices/stop/", scope="all"))

    def stop_one(browser: Browser) -> None:
        browser.send(browser.get("/home/").form("/choices/stop/", scope="party", ref=ROAD))

    def dispute(browser: Browser) -> None:
        browser.send(browser.get("/home/").form("/choices/dispute/", ref=ROADSIDE.campaign))

    def pause(browser: Browser) -> None:
        browser.send(browser.get("/home/").form("/choices/pause/", scope="all"))

    def allow(browser: Browser) -> None:
        asked = browser.send(browser.get("/home/").form("/choices/allow/", campaign=ROADSIDE.campaign))
        browser.send(asked.form("/choices/allow/"))

    stops = ((stop_one, "stopped_party"), (dispute, "stopped_campaign"), (pause, "paused"), (stop_all, "stopped_all"))
    for stop, answer in stops:
        assert (answer, pressed(stop, answer), pressed(allow, "allowed")) == (answer, 1, 2)
    # Whoever comes for the first time presses three buttons to stop, and five to allow.
    assert signed_in + 2 == 5
    paths = ("/home/", "/choices/", "/choices/pause/", "/choices/allow/?campaign=CMP-track")
    assert [path for path in paths if not needs_no_script(browser.get(path))] == []
