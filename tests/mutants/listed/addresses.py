"""Where a partner is spoken to and where its keys are: whatever moves them without two officers."""

from tests.mutants.mutant import Mutant

ADDRESSES = "tests/partners/test_addresses.py::"

MUTANTS = (
    Mutant(
        6,
        "partners/actions/terms.py",
        "    if not row.is_draft and addresses.list_replaced_endpoints(row=row, wanted=wanted):\n",
        "    if False:\n",
        f"{ADDRESSES}test_one_officer_s_change_waits_for_another",
    ),
    Mutant(
        6,
        "partners/actions/parties.py",
        "    proposed = moves_keys(party=party, jwks_uri=jwks_uri)\n",
        "    proposed = False\n",
        f"{ADDRESSES}test_keys_are_moved_by_two_the_rest_by_one",
    ),
    Mutant(
        6,
        "partners/actions/parties.py",
        "    if party.pk and moves_keys(party=party, jwks_uri=jwks_uri):\n",
        "    if False:\n",
        f"{ADDRESSES}test_a_first_address_of_keys_is_one_officer_s",
    ),
    Mutant(
        6,
        "partners/actions/drafts.py",
        "    return fields and REPLACES",
        '    return "" and REPLACES',
        f"{ADDRESSES}test_a_draft_put_in_force_takes_the_place_of_nothing",
    ),
    Mutant(
        6,
        "partners/actions/proposals.py",
        "    if not isinstance(row, Contract) or addresses.endpoints_of(row=row) != wanted.was:\n",
        "    if not isinstance(row, Contract):\n",
        f"{ADDRESSES}test_a_yes_is_to_the_change_that_was_seen",
    ),
    # In the database, whatever the code does.
    *(
        Mutant(6, "partners/sql/addresses.sql", was, becomes, f"{ADDRESSES}TestDatabase::{test}")
        for was, becomes, test in (
            ("IF (told AND", "IF (false AND", "test_no_contract_in_force_is_moved"),
            (
                "            OR keys <> '' AND NEW.jwks_uri",
                "            OR false AND NEW.jwks_uri",
                "test_nor_by_another_contract_of_its_partner",
            ),
            (
                "    told := events <> '' OR EXISTS (",
                "    told := events <> '' OR false AND EXISTS (",
                "test_nobody_who_polls_is_pushed_to_instead",
            ),
            ("NEW.starts_at > OLD.starts_at AND", "false AND", "test_nor_by_a_later_start"),
            ("    IF was NOT IN (", "    IF false AND was NOT IN (", "test_no_company_s_keys_are_moved"),
            (
                "FOR EACH ROW\n    WHEN (NOT NEW.is_draft) EXECUTE",
                "FOR EACH ROW\n    WHEN (false) EXECUTE",
                "test_nor_by_another_contract_of_its_partner",
            ),
            (
                "        ORDER BY p.decided_at DESC LIMIT 1) AS newest\n",
                "        ORDER BY p.decided_at DESC) AS newest\n",
                "test_a_yes_is_to_these_values_and_until_the_next",
            ),
        )
    ),
    Mutant(
        6,
        "partners/sql/addresses.sql",
        "        AND party.uri <> 'https://canary.whereabouts.invalid'\n",
        "",
        "tests/support/test_canary.py::test_it_is_told_where_people_reach_us_now",
    ),
    # The operator's file.
    Mutant(
        6,
        "partners/actions/addresses.py",
        "        _tell_officers(row, row.aggregator, [*_values(endpoints_of(row=row)), *_values(wanted)], at)\n",
        "        pass\n",
        f"{ADDRESSES}TestFile::test_another_address_for_events_opens_an_incident",
    ),
    Mutant(
        6,
        "partners/feeds/terms.py",
        "    _refuse_overtaking(contract, fields)\n",
        "",
        f"{ADDRESSES}TestFile::test_a_later_start_moves_nothing",
    ),
    # A draft, which one officer writes.
    Mutant(
        6,
        "partners/domain/keysets.py",
        "Contract.objects.filter(aggregator=party, is_draft=False)",
        "Contract.objects.filter(aggregator=party)",
        f"{ADDRESSES}test_a_draft_says_nothing_of_where_its_partner_is",
    ),
    Mutant(
        6,
        "revocations/workers/delivery/claims.py",
        "AND NOT is_draft AND endpoint_url",
        "AND endpoint_url",
        "tests/revocations/test_delivery.py::test_an_order_under_a_draft_goes_where_its_partner_is",
    ),
)
