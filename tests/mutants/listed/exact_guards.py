"""Ends in the public figures, in the guards of the database, and in since when a no has stood: most were once alive."""

from tests.mutants.mutant import Mutant

FIGURES = "tests/disclosures/test_figure_ends.py::"
GUARDS = "tests/promises/test_04_exact_moments.py::"
SINCE = "tests/consent/test_denied_since.py::"

MUTANTS = (
    Mutant(
        11,
        "disclosures/queries/figures/statements.py",
        "THEN 'ended' WHEN starts_at > %(at)s",
        "THEN 'ended' WHEN starts_at >= %(at)s",
        f"{FIGURES}test_an_agreement_stands_from_its_first_moment_to_its_last",
    ),
    Mutant(
        11,
        "disclosures/queries/figures/statements.py",
        "GROUP BY p.id, p.name HAVING count(*) >= %(fewest)s",
        "GROUP BY p.id, p.name HAVING count(*) > %(fewest)s",
        f"{FIGURES}test_a_release_counts_after_its_moment_once_it_is_recorded_and_not_hidden",
    ),
    Mutant(
        11,
        "disclosures/queries/figures/statements.py",
        "e.due_at <= %(until)s AND",
        "e.due_at < %(until)s AND",
        f"{FIGURES}test_a_proof_is_shown_after_its_moment_and_late_from_its_date",
    ),
    Mutant(
        11,
        "disclosures/queries/figures/statements.py",
        "WHERE complete_by <= %(until)s AND",
        "WHERE complete_by < %(until)s AND",
        f"{FIGURES}test_with_a_newer_order_the_older_is_late_no_longer",
    ),
    Mutant(
        3,
        "consent/sql/gate.sql",
        "    IF NEW.origin = 'person' AND NEW.made_at <= g.newest_at THEN",
        "    IF NEW.origin = 'person' AND NEW.made_at < g.newest_at THEN",
        f"{GUARDS}test_a_choice_is_newer_than_the_newest",
    ),
    Mutant(
        4,
        "revocations/sql/orders.sql",
        "    IF NEW.next_attempt_at IS NULL OR NEW.next_attempt_at > audit_now() + interval '7 days' THEN",
        "    IF NEW.next_attempt_at IS NULL OR NEW.next_attempt_at >= audit_now() + interval '7 days' THEN",
        f"{GUARDS}test_a_try_is_at_most_a_week_away",
    ),
    Mutant(
        7,
        "disclosures/sql/giving_back.sql",
        "known.occurred_at >= period.since",
        "known.occurred_at > period.since",
        "tests/disclosures/test_reassignment.py::test_the_database_gives_back_only_what_lies_outside",
    ),
    Mutant(
        2,
        "consent/queries/current_consent_ledger.py",
        "            if since <= self.at_us < until",
        "            if since < self.at_us < until",
        f"{SINCE}test_a_no_has_stood_since_it_last_began",
    ),
    Mutant(
        2,
        "consent/queries/current_consent_ledger.py",
        "        return (until is not None and until <= self.at_us) or (",
        "        return (until is not None and until < self.at_us) or (",
        f"{SINCE}test_a_no_has_stood_since_it_last_began",
    ),
    Mutant(
        2,
        "consent/queries/current_consent_uses.py",
        "        newer = all(microseconds(at) > stop.at_us for stop in self.stops)",
        "        newer = all(microseconds(at) >= stop.at_us for stop in self.stops)",
        f"{SINCE}test_a_file_s_yes_is_newer_than_a_stop_from_the_next_moment_on",
    ),
)
