"""Locks, unique keys and second looks left out among staff, partners and workers: what is done once is done twice."""

import re

from tests.mutants.mutant import Mutant

OFFICERS = "tests/support/test_officers_at_once.py::"
REVOCATIONS = "tests/revocations/test_at_once.py::"
DISCLOSURES = "tests/disclosures/test_workers_at_once.py::"
DESK = "tests/support/test_desk_at_once.py::"
PARTNERS = "tests/partners/test_at_once.py::"
LOCK = re.compile(r"\.select_for_update\((?:[^()]|\([^()]*\))*\)| FOR (?:NO KEY )?UPDATE(?: OF \w+)?(?: SKIP LOCKED)?")


def unlocked(promise: int, file: str, was: str, test: str) -> Mutant:
    """The rows of `was` are read, and not locked."""
    return Mutant(promise, file, was, LOCK.sub("", was), test)


MUTANTS = (
    unlocked(
        8,
        "partners/actions/proposals.py",
        '    proposal = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()\n',
        f"{OFFICERS}test_of_two_who_agree_the_first_did_it",
    ),
    unlocked(
        2,
        "partners/actions/proposals.py",
        '    proposal = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()\n',
        f"{OFFICERS}test_what_is_declined_or_withdrawn_is_not_done",
    ),
    unlocked(
        2,
        "partners/actions/guards.py",
        '        row = Contract.objects.select_for_update(of=("self",)).filter(pk=target_id).first()\n',
        f"{OFFICERS}test_a_draft_is_put_in_force_once",
    ),
    unlocked(
        8,
        "partners/actions/clients.py",
        'Client.objects.select_for_update(of=("self",)).filter(number=number)',
        f"{OFFICERS}test_a_machine_is_disabled_once_and_another_key_proposed_once",
    ),
    unlocked(
        8,
        "partners/actions/clients.py",
        "    client = Client.objects.select_for_update().filter(client_id=client_id).first()\n",
        f"{OFFICERS}test_so_is_one_by_the_operator_s_commands",
    ),
    unlocked(
        8,
        "partners/actions/authorized.py",
        'AuthorizedAgent.objects.select_for_update(of=("self",)).filter(number=number)',
        f"{OFFICERS}test_an_agent_is_suspended_once",
    ),
    unlocked(
        8,
        "partners/actions/parties.py",
        "Party.objects.select_for_update().filter(uri=uri)",
        f"{OFFICERS}test_a_company_seen_in_a_path_is_named_once",
    ),
    unlocked(
        8,
        "partners/actions/parties.py",
        "Party.objects.select_for_update().filter(pk=party_id)",
        f"{OFFICERS}test_a_company_is_renamed_once",
    ),
    Mutant(
        2,
        "partners/actions/suspensions.py",
        '        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"',
        '        cursor.execute("SELECT hashtextextended(%s, 0)"',
        f"{OFFICERS}test_two_who_suspend_make_one_suspension",
    ),
    Mutant(
        11,
        "disclosures/actions.py",
        "    with connection.cursor() as cursor:\n"
        "        cursor.execute(\"SELECT pg_advisory_xact_lock(hashtext('disclosures.anomalyrule'))\")\n",
        "",
        f"{OFFICERS}test_a_rule_for_anomalies_has_one_next_version",
    ),
    unlocked(
        8,
        "support/actions/cases.py",
        'visible_tickets(at=at).select_for_update(of=("self",)).filter(code=code)',
        f"{DESK}test_a_case_is_claimed_once",
    ),
    unlocked(
        8,
        "support/actions/queue.py",
        "free.select_for_update(skip_locked=True)",
        f"{DESK}test_who_asks_for_the_next_case_never_gets_another_s",
    ),
    unlocked(
        8,
        "support/actions/queue.py",
        "visible_tickets(at=at).select_for_update().filter(code__in=[code, into])",
        f"{DESK}test_a_case_is_merged_once",
    ),
    Mutant(
        8,
        "support/actions/asking.py",
        "    User.objects.select_for_update().get(pk=user.pk)\n",
        "",
        f"{DESK}test_no_more_cases_are_opened_than_a_day_has",
    ),
    unlocked(
        8,
        "support/queries/own_cases.py",
        '(rows.select_for_update(of=("self",)) if locked else rows)',
        f"{DESK}test_nor_is_more_written_in_one",
    ),
    unlocked(
        8,
        "support/actions/incoming.py",
        "Ticket.objects.select_for_update().filter(code=code)",
        f"{DESK}test_nor_by_mail",
    ),
    unlocked(
        8,
        "support/workers/sending.py",
        'Ticket.objects.select_for_update(of=("self",), skip_locked=True)',
        f"{DESK}test_an_answer_waits_for_who_works_on_its_case",
    ),
    unlocked(
        8,
        "support/workers/sending.py",
        'Draft.objects.select_for_update(of=("self",))',
        f"{DESK}test_what_is_taken_back_does_not_go_out",
    ),
    Mutant(
        8,
        "support/actions/replies.py",
        "    Incident.objects.select_for_update().filter(pk=incident_id).first()\n",
        "",
        f"{DESK}test_a_reply_to_many_is_begun_and_sent_once",
    ),
    unlocked(
        8,
        "support/actions/replies.py",
        "BulkReply.objects.select_for_update().filter(pk=reply_id)",
        f"{DESK}test_a_reply_to_many_is_begun_and_sent_once",
    ),
    unlocked(
        8,
        "support/workers/sending.py",
        "BulkReply.objects.select_for_update(skip_locked=True)",
        f"{DESK}test_a_reply_to_many_is_begun_and_sent_once",
    ),
    unlocked(
        8,
        "support/actions/replies.py",
        "SavedReply.objects.select_for_update().filter(pk=reply_id)",
        f"{DESK}test_a_reply_written_often_is_retired_and_brought_back",
    ),
    unlocked(
        8,
        "support/actions/protected_lines.py",
        'Reveal.objects.select_for_update(of=("self",))',
        f"{DESK}test_a_second_person_s_yes_is_given_once",
    ),
    unlocked(
        8,
        "support/actions/cases.py",
        'visible_tickets(at=at).select_for_update(of=("self",)).filter(code=code)',
        f"{DESK}test_a_reveal_asked_for_twice_is_one",
    ),
    unlocked(
        8,
        "support/actions/stop_for.py",
        '        LoggedCall.objects.select_for_update(of=("self",))\n',
        f"{DESK}test_a_logged_call_is_the_proof_of_one_stop",
    ),
    unlocked(
        8,
        "support/actions/escalation.py",
        'SuspendRequest.objects.select_for_update(of=("self",)).filter',
        f"{DESK}test_a_company_is_suspended_for_a_case_once",
    ),
    unlocked(
        6,
        "console/actions/test_lines.py",
        "CarrierTestLine.objects.select_for_update().filter",
        f"{DESK}test_a_test_line_is_watched_and_let_go_of_once",
    ),
    unlocked(
        6,
        "audit/actions.py",
        "Incident.objects.select_for_update().get_or_create(",
        f"{DESK}test_an_incident_counts_what_comes_at_once",
    ),
    Mutant(
        6,
        "revocations/actions/receipts.py",
        "        _lock_receipt_id(party, word.jti)\n        if not",
        "        if not",
        f"{REVOCATIONS}test_one_jti_is_one_receipt_whatever_it_is_about",
    ),
    Mutant(
        6,
        "revocations/actions/receipts.py",
        "        if not _is_repeated_receipt(parsed, party):\n            _record(",
        "        if True:\n            _record(",
        f"{REVOCATIONS}test_a_receipt_handed_in_twice_is_kept_once",
    ),
    unlocked(
        6,
        "revocations/actions/receipts.py",
        "Order.objects.select_for_update().filter(jti=word.order_jti",
        f"{REVOCATIONS}test_two_receipts_that_bring_a_company_s_signature_each",
    ),
    unlocked(
        6,
        "revocations/actions/cohorts.py",
        "        StreamEvent.objects.select_for_update()\n",
        f"{REVOCATIONS}test_an_end_signed_twice_at_once_is_kept_once",
    ),
    unlocked(
        6,
        "revocations/actions/receipts.py",
        "EvidenceRequest.objects.select_for_update().filter(jti",
        f"{REVOCATIONS}test_a_question_for_proof_is_noted_and_answered_once",
    ),
    unlocked(
        6,
        "revocations/workers/deadlines.py",
        "EvidenceRequest.objects.select_for_update(skip_locked=True)",
        f"{REVOCATIONS}test_a_question_for_proof_is_noted_and_answered_once",
    ),
    unlocked(
        5,
        "revocations/actions/orders.py",
        "contract_id = ANY (%s) ORDER BY line_id, contract_id FOR UPDATE\n",
        f"{REVOCATIONS}test_a_choice_and_a_partner_told_again_have_two_versions",
    ),
    unlocked(
        5,
        "revocations/actions/redelivery.py",
        "Standing.objects.select_for_update()",
        f"{REVOCATIONS}test_a_choice_and_a_partner_told_again_have_two_versions",
    ),
    unlocked(
        6,
        "revocations/actions/contradictions.py",
        "        Order.objects.select_for_update()\n",
        f"{REVOCATIONS}test_a_use_after_the_signature_contradicts_once",
    ),
    unlocked(
        6,
        "revocations/actions/contradictions.py",
        "StreamEvent.objects.select_for_update()",
        f"{REVOCATIONS}test_so_does_one_of_what_had_ended",
    ),
    unlocked(
        4,
        "revocations/workers/delivery/claims.py",
        "AND lane = %(lane)s AND next_attempt_at <= %(now)s\n"
        "    AND (%(only)s::uuid[] IS NULL OR id = ANY (%(only)s::uuid[]))\n"
        "ORDER BY next_attempt_at LIMIT %(room)s FOR UPDATE SKIP LOCKED\n",
        f"{REVOCATIONS}test_an_order_is_given_to_one_worker_or_poll",
    ),
    unlocked(
        4,
        "revocations/workers/delivery/claims.py",
        "rows.select_for_update(skip_locked=True)[:room]",
        f"{REVOCATIONS}test_an_order_is_given_to_one_worker_or_poll",
    ),
    unlocked(
        4,
        "revocations/workers/delivery/fairness.py",
        "FROM revocations_breaker WHERE party_id = %s FOR UPDATE",
        f"{REVOCATIONS}test_no_more_is_in_flight_than_a_partner_s_share",
    ),
    unlocked(
        4,
        "revocations/workers/delivery/fairness.py",
        "FROM revocations_breaker WHERE party_id = %s FOR UPDATE",
        f"{REVOCATIONS}test_one_probe_finds_out_whether_a_partner_is_back",
    ),
    Mutant(
        4,
        "revocations/workers/delivery/fairness.py",
        "    SET tries = tally.tries + excluded.tries, failures = tally.failures + excluded.failures\n",
        "    SET tries = excluded.tries, failures = excluded.failures\n",
        f"{REVOCATIONS}test_pushes_counted_at_once_are_all_counted",
    ),
    unlocked(
        4,
        "revocations/workers/delivery/polling.py",
        'for order in orders.filter(open_ones, jti__in=errors).order_by("pk").select_for_update():',
        f"{REVOCATIONS}test_what_a_poller_refuses_twice_is_one_try",
    ),
    unlocked(
        4,
        "revocations/actions/cohorts.py",
        "    cohort = Cohort.objects.select_for_update().get(pk=cohort_id)\n    if cohort.listed_to_line",
        f"{REVOCATIONS}test_a_shard_is_listed_and_a_manifest_published_once",
    ),
    unlocked(
        4,
        "revocations/actions/cohorts.py",
        "    cohort = Cohort.objects.select_for_update().get(pk=cohort_id)\n    if cohort.manifest_at",
        f"{REVOCATIONS}test_a_shard_is_listed_and_a_manifest_published_once",
    ),
    unlocked(
        4,
        "revocations/workers/verification.py",
        "rows.select_for_update(skip_locked=True)",
        f"{REVOCATIONS}test_a_stream_is_asked_whether_it_lives_by_one_worker",
    ),
    unlocked(
        4,
        "revocations/actions/streams.py",
        "Stream.objects.select_for_update().filter(party_id=party.pk)",
        f"{REVOCATIONS}test_what_officers_pause_at_once_stays_paused",
    ),
    unlocked(
        4,
        "revocations/domain/streams.py",
        "Stream.objects.select_for_update().get(party_id=party_id)",
        f"{REVOCATIONS}test_what_officers_pause_at_once_stays_paused",
    ),
    Mutant(
        6,
        "revocations/workers/deadlines.py",
        "ORDER BY o.complete_by LIMIT %(batch)s\nON CONFLICT DO NOTHING RETURNING party_id, due_at\n",
        "ORDER BY o.complete_by LIMIT %(batch)s\n"
        "ON CONFLICT (kind, about) DO UPDATE SET at = excluded.at RETURNING party_id, due_at\n",
        f"{REVOCATIONS}test_a_late_order_is_a_breach_once",
    ),
    Mutant(
        6,
        "revocations/workers/stream_health.py",
        '        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])\n',
        '        cursor.execute("SELECT %s", [key])\n',
        f"{REVOCATIONS}test_a_partner_that_let_three_questions_pass_is_denied_once",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/rows.py",
        "SELECT pg_advisory_xact_lock(",
        "SELECT (",
        f"{DISCLOSURES}test_an_order_and_its_row_find_each_other[the_row_first]",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/rows.py",
        "SELECT pg_advisory_xact_lock_shared(",
        "SELECT (",
        f"{DISCLOSURES}test_an_order_and_its_row_find_each_other[the_order_first]",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/rejudging.py",
        "SELECT pg_advisory_xact_lock(",
        "SELECT (",
        f"{DISCLOSURES}test_a_judgement_is_changed_once",
    ),
    Mutant(
        7,
        "disclosures/workers/reassignment.py",
        "    with connection.cursor() as cursor:\n        cursor.execute(NOTED_ALONE)\n",
        "",
        f"{DISCLOSURES}test_what_was_given_back_is_noted_once",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/pending_releases.py",
        "LIMIT %(most)s FOR UPDATE",
        "LIMIT %(most)s",
        f"{DISCLOSURES}test_what_is_held_ungated_is_counted_once",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/chunks.py",
        "SELECT pg_advisory_lock(",
        "SELECT num_nonnulls(",
        f"{DISCLOSURES}test_one_run_notes_how_far_a_file_is",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/chunks.py",
        "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.importing')",
        "SELECT num_nonnulls(hashtext('disclosures.importing')",
        f"{DISCLOSURES}test_who_resumes_a_file_knows_the_last_chunk",
    ),
    Mutant(
        7,
        "disclosures/workers/archiving.py",
        "Archive.objects.select_for_update(skip_locked=True)",
        "Archive.objects",
        f"{DISCLOSURES}test_an_archive_is_made_by_one_worker",
    ),
    Mutant(
        2,
        "disclosures/workers/anomalies/detection.py",
        " ORDER BY a.id FOR UPDATE OF a",
        " ORDER BY a.id",
        "tests/disclosures/test_anomaly_suspension.py::test_two_workers_who_act_at_once_suspend_once",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/chunks.py",
        "SELECT pg_advisory_xact_lock(hashtext('disclosures.underway'), pg_backend_pid())",
        "SELECT 1",
        "tests/disclosures/test_at_once.py::test_news_committed_meanwhile_are_seen_after_all[a_stop]",
    ),
    Mutant(
        3,
        "partners/sql/cover.sql",
        "        PERFORM pg_advisory_xact_lock(hashtext('partners.kin'));\n",
        "        NULL;\n",
        f"{PARTNERS}test_a_campaign_and_a_link_know_of_each_other[the_link_first]",
    ),
    Mutant(
        1,
        "partners/actions/sign_in.py",
        "    _, first = UsedAssertion.objects.get_or_create(\n",
        "    first = not UsedAssertion.objects.filter(client=client, jti=jti).exists()\n"
        "    UsedAssertion.objects.update_or_create(\n",
        f"{PARTNERS}test_one_assertion_signs_in_once",
    ),
    Mutant(
        7,
        "partners/domain/pairwise.py",
        "        PairwiseKey.objects.bulk_create([first], ignore_conflicts=True)\n",
        "        PairwiseKey.objects.bulk_create([first])\n",
        f"{PARTNERS}test_a_partner_knows_a_line_by_one_name[a_new_partner]",
    ),
    Mutant(
        7,
        "partners/domain/pairwise.py",
        "named (line_id, party_id, sub)\nON CONFLICT DO NOTHING\n",
        "named (line_id, party_id, sub)\n",
        f"{PARTNERS}test_a_line_has_one_name_for_each_partner",
    ),
    Mutant(
        6,
        "partners/domain/keysets.py",
        "    return Party.objects.select_for_update().get(pk=party.pk)\n",
        "    return Party.objects.get(pk=party.pk)\n",
        f"{PARTNERS}test_keys_fetched_while_moved_are_dropped",
    ),
    Mutant(
        10,
        "partners/workers/rotation.py",
        "SELECT pg_advisory_xact_lock(hashtextextended('rotate signing keys', 0))",
        "SELECT 1",
        f"{PARTNERS}test_keys_are_rotated_once",
    ),
    unlocked(
        10,
        "audit/sql/chain.sql",
        " WHERE chain = NEW.chain FOR UPDATE;\n",
        "tests/audit/test_chain.py::test_two_events_at_once_stand_one_behind_the_other",
    ),
)
