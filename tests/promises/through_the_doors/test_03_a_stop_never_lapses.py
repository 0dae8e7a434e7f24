"""Promise 3: whatever the carrier, its files and its partners change, a stop stays, until its person allows again."""

from tests.feeds import ROAD, choice_row
from tests.promises.through_the_doors.files import ROADSIDE, TRACKING, Line, Use, ago, approval, campaign_row
from tests.promises.through_the_doors.product import Product

RENEWED = ROADSIDE.but("CMP-road-renewed")
NEW_PURPOSE = ROADSIDE.but("CMP-road-ads", purpose="dpv:IdentityVerification")
SUCCESSOR = ROADSIDE.but("CMP-road-2", provider="https://roadaid2.example")
NEWCOMER = ROADSIDE.but("CMP-newcomer", provider="https://newcomer.example")
USES = (ROADSIDE, TRACKING, RENEWED, NEW_PURPOSE, SUCCESSOR, NEWCOMER)


def answers(product: Product, line: Line, *uses: Use) -> list[str]:
    return [product.answers(line, use) for use in uses]


def the_carrier_renames_renews_and_adds(product: Product) -> None:
    """Every company has another name; the contract is renewed; one company takes another's place; one is new."""
    known = {str(row["id"]): row for row in product.document["parties"]}
    renamed = [{**row, "name": f"{row['name']} Worldwide"} for row in known.values()]
    successor = {**known[ROAD], "id": SUCCESSOR.provider, "name": "Road Aid Two", "succeeds": [ROAD]}
    newcomer = {**known[ROAD], "id": NEWCOMER.provider, "name": "Newcomer"}
    for row in (successor, newcomer):
        del row["jwks_uri"]
    (old,) = [row for row in product.document["contracts"] if row["id"] == "AGR-1"]
    counted = product.takes_parties(
        parties=[*renamed, successor, newcomer],
        contracts=[{**old, "id": "AGR-renewed", "signed_at": "2026-01-01T00:00:00Z"}],
        campaigns=[
            campaign_row(RENEWED, "AGR-renewed"),
            *(campaign_row(use, "AGR-1") for use in (NEW_PURPOSE, SUCCESSOR, NEWCOMER)),
        ],
    )
    assert counted["rejected"] == 0


def test_whatever_changes_around_it_only_its_person_lifts_a_stop(product: Product) -> None:
    everything, company, nothing = (product.next_line() for _ in range(3))
    product.stops_all(everything)
    browser = product.signs_in(company)
    browser.send(browser.get("/home/").form("/choices/stop/", scope="party", ref=ROAD))

    def nothing_is_lifted(all_stopped: Line, party_stopped: Line) -> None:
        assert answers(product, all_stopped, *USES) == ["stopped_all"] * len(USES)
        of_company = [ROADSIDE, RENEWED, NEW_PURPOSE, SUCCESSOR]
        assert answers(product, party_stopped, *of_company) == ["stopped_party"] * len(of_company)

    the_carrier_renames_renews_and_adds(product)
    nothing_is_lifted(everything, company)
    # A new company, a new purpose and a renewed contract start at no, for who stopped nothing as well.
    assert answers(product, nothing, RENEWED, NEW_PURPOSE, SUCCESSOR, NEWCOMER) == ["no_approval"] * 4
    assert answers(product, company, NEWCOMER, TRACKING) == ["no_approval", "allowed"]
    # Files bring a yes that is older than the stop and one that is newer, to what was there and to what is new.
    yeses = [
        approval(line, use, captured_at=at)
        for line in (everything, company)
        for use in USES
        for at in (ago(900), ago(0))
    ]
    assert product.takes("import_approvals", yeses)["rejected"] == 0
    allows = [
        choice_row(msisdn=line.msisdn, kind="allow", scope="campaign", ref=use.campaign, made_at=ago(0))
        for line in (everything, company)
        for use in USES
    ]
    assert product.takes("import_choices", allows)["accepted"] == len(allows)
    product.claims(everything, NEWCOMER)
    nothing_is_lifted(everything, company)
    # The names are as they were.
    product.takes_parties()
    nothing_is_lifted(everything, company)
    # Another SIM, another plan's state and language, another number, and a line that goes on from the last.
    moved = {"sim_changed_at": ago(3), "state": "TX", "language": "es"}
    product.takes("import_lines", [line.row(**moved) for line in (everything, company)])
    numbered = [Line(line.line_id, f"+1206777{n:04}", line.account_id) for n, line in enumerate((everything, company))]
    product.takes("import_lines", [line.row(**moved, number_changed_at=ago(2)) for line in numbered])
    nothing_is_lifted(everything, company)
    at = ago(1 / 24)
    later = [Line(f"{line.line_id}-on", line.msisdn, line.account_id) for line in numbered]
    product.takes("import_lines", [line.row(**moved, number_changed_at=ago(2), deactivated_at=at) for line in numbered])
    product.takes(
        "import_lines",
        [
            now.row(**moved, activated_at=at, continues_line_id=was.line_id)
            for now, was in zip(later, numbered, strict=True)
        ],
    )
    product.takes("import_approvals", [approval(line, use, captured_at=ago(0)) for line in later for use in USES])
    nothing_is_lifted(*later)
    assert answers(product, everything, *USES) == ["line_unknown"] * len(USES)


def test_its_person_allows_again_in_two_steps(product: Product) -> None:
    line = product.next_line()
    product.stops_all(line)
    browser = product.signs_in(line)
    asked = browser.send(browser.get("/home/").form("/choices/allow/", campaign="CMP-road"))
    assert answers(product, line, ROADSIDE, TRACKING) == ["stopped_all"] * 2
    browser.send(asked.form("/choices/allow/"))
    assert answers(product, line, ROADSIDE, TRACKING) == ["allowed", "stopped_all"]
