"""Promise 7: what each person finds of a line that is not theirs, over HTTP and with the carrier's files."""

from collections.abc import Sequence

from tests.promises.through_the_doors.browser import Browser, Page
from tests.promises.through_the_doors.files import ROADSIDE, Line, ago, approval, release
from tests.promises.through_the_doors.product import Product

OWN_PAGES = (
    "/home/", "/history/", "/history/download.csv", "/history/download.json", "/choices/", "/access-log/",
    "/access-log/companies/", "/settings/archive/",
)  # fmt: skip
VERBS = ("stop", "pause", "allow", "dispute")
SENTENCE = "This line belongs to the person who uses it."


def name_of(browser: Browser) -> str:
    """What the pages call the line of whoever is signed in."""
    return browser.get("/choices/pause/").form("/choices/pause/").data["line"]


def of_line(line: str, browser: Browser) -> list[Page]:
    return [browser.get(f"{path}?line={line}") for path in OWN_PAGES]


def decides(browser: Browser, line: str, verb: str) -> Page:
    """Press a button about a line that no page of theirs offers."""
    about = {"line": line, "scope": "campaign", "ref": "CMP-road", "campaign": "CMP-road"}
    return browser.post(f"/choices/{verb}/", {**about, "length": "7", "days": "30", "allow": "1"})


def family(product: Product, number: int, **roles: str) -> list[Line]:
    """The lines of one account, one for each role, that agreed to be found and were."""
    lines = [Line(f"F{number}-{role}", f"+1206666{number}{n:03}", f"F{number}") for n, role in enumerate(roles)]
    product.takes("import_lines", [line.row(user_role=role) for line, role in zip(lines, roles.values(), strict=True)])
    product.takes("import_approvals", [approval(line, ROADSIDE) for line in lines])
    product.takes("import_disclosures", [release(line, ROADSIDE) for line in lines])
    return lines


def alike(pages: Sequence[Page]) -> list[str]:
    """Their words: the token in each form is another each time."""
    return [page.words for page in pages]


def test_to_a_stranger_a_line_does_not_exist(product: Product) -> None:
    line, other = product.next_line(), product.next_line()
    owner = product.signs_in(line)
    choice = owner.send(owner.get("/home/").form("/choices/stop/", scope="all")).url
    mine = name_of(owner)
    assert [page.status for page in of_line(mine, owner)] == [200] * len(OWN_PAGES)
    assert {page.url.partition("?")[0] for page in of_line(mine, product.browser())} == {"/accounts/login/"}
    stranger = product.signs_in(other)
    nobodys = "00000000-0000-4000-8000-000000000000"
    assert [page.status for page in of_line(mine, stranger)] == [404] * len(OWN_PAGES)
    assert alike(of_line(mine, stranger)) == alike(of_line(nobodys, stranger))
    below = [f"{choice}{part}" for part in ("", "progress/", "receipt/", "receipt.json", "receipt.pdf")]
    assert [owner.get(path).status for path in below] == [200] * len(below)
    assert [stranger.get(path).status for path in below] == [404] * len(below)
    assert [decides(stranger, mine, verb).status for verb in VERBS] == [404] * len(VERBS)
    assert product.answers(line) == "stopped_all"


def test_the_holder_reads_one_sentence_of_an_adults_line(product: Product) -> None:
    paying, using = family(product, 1, holder="holder", adult="user")
    holder, adult = product.signs_in(paying), product.signs_in(using)
    theirs = name_of(adult)
    before = holder.get("/lines/").words
    adult.send(adult.get("/home/").form("/choices/stop/", scope="all"))
    assert (holder.get("/lines/").words, before.count(SENTENCE)) == (before, 1)
    assert [page.status for page in of_line(theirs, holder)] == [404] * len(OWN_PAGES)
    assert [decides(holder, theirs, verb).status for verb in VERBS] == [404] * len(VERBS)
    assert (product.answers(using), product.answers(paying)) == ("stopped_all", "allowed")


def test_both_stop_and_the_holder_allows_until_the_minor_grows(product: Product) -> None:
    paying, childs = family(product, 2, holder="holder", minor="minor")
    holder, minor = product.signs_in(paying), product.signs_in(childs)
    line = name_of(minor)
    minor.send(minor.get("/home/").form("/choices/stop/", scope="all"))
    assert product.answers(childs) == "stopped_all"
    assert (decides(minor, line, "allow").status, product.answers(childs)) == (403, "stopped_all")
    assert [page.status for page in of_line(line, holder)] == [200] * len(OWN_PAGES)
    texts = len(product.texts(childs.msisdn))
    asked = holder.get(f"/choices/allow/?campaign=CMP-road&line={line}")
    holder.send(asked.form("/choices/allow/"))
    (told,) = product.texts(childs.msisdn)[texts:]
    assert "the account holder changed who may get this phone's location" in told["text"]
    assert (product.answers(childs), product.answers(paying)) == ("allowed", "allowed")
    # The carrier's file says that the child is none any more: the holder is out at once, the past included.
    assert product.takes("import_lines", [childs.row(user_role="user")])["accepted"] == 1
    assert [page.status for page in of_line(line, holder)] == [404] * len(OWN_PAGES)
    assert [decides(holder, line, verb).status for verb in VERBS] == [404] * len(VERBS)
    assert SENTENCE in holder.get("/lines/").words
    assert product.answers(childs) == "stopped_campaign"


def test_the_next_holder_starts_empty_the_last_is_out(product: Product) -> None:
    (first,) = family(product, 3, holder="holder")
    last = product.signs_in(first)
    assert "Roadaid" in last.get("/history/").words
    old, at = name_of(last), ago(1 / 24)
    product.takes("import_lines", [first.row(deactivated_at=at)])
    next_one = Line("F3-next", first.msisdn, "F3-next")
    product.takes("import_lines", [next_one.row(activated_at=at, holder_name="Somebody Else")])
    left = [*of_line(old, last), *(decides(last, old, verb) for verb in VERBS)]
    assert {page.url.partition("?")[0] for page in left} == {"/accounts/login/"}
    assert [product.answers(first), product.answers(next_one)] == ["line_unknown", "no_approval"]
    assert product.answers(first, msisdn=first.msisdn) == "no_approval"
    new = product.signs_in(next_one)
    assert "Roadaid" not in new.get("/home/").words + new.get("/history/").words + new.get("/access-log/").words
    assert [page.status for page in of_line(old, new)] == [404] * len(OWN_PAGES)
