"""What only the running product shows: settings, schedules, forms, sessions, programs, and what lies between them."""

from tests.mutants.mutant import Mutant

DOORS = "tests/promises/through_the_doors"

MUTANTS = (
    # The gate's process answers a question that it was asked before from memory.
    Mutant(
        1,
        "consent/api/asgi.py",
        "        return await evaluate_in(pipeline=pipeline, client_id=grant.client_id, kid=grant.kid, "
        "questions=questions)\n",
        '        seen = globals().setdefault("seen", {})\n'
        "        if str(questions) not in seen:\n"
        "            seen[str(questions)] = await evaluate_in(\n"
        "                pipeline=pipeline, client_id=grant.client_id, kid=grant.kid, questions=questions)\n"
        "        return list(seen[str(questions)])\n",
        f"{DOORS}/test_01_gate_first.py::test_every_way_to_stop_is_in_force_in_the_answer",
    ),
    # Whoever stops is told of an error where no broker takes the nudge.
    Mutant(
        1,
        "revocations/actions/orders.py",
        "partial(nudges.nudge, party_ids=party_ids), robust=True)\n",
        "partial(nudges.nudge, party_ids=party_ids))\n",
        f"{DOORS}/test_01_gate_first.py::test_nothing_is_allowed_after_the_click_with_broker_dead",
    ),
    Mutant(
        2,
        "consent/api/asgi.py",
        "    except Error:\n        return build_unavailable_answers(questions)\n",
        "    except ZeroDivisionError:\n        return build_unavailable_answers(questions)\n",
        f"{DOORS}/test_02_no_record_no_disclosure.py::test_a_database_that_is_away_is_a_no",
    ),
    Mutant(
        2,
        "partners/policies/identifiers.py",
        '        {"ssf.manage", "ssf.read",',
        '        {"decisions:read", "ssf.manage", "ssf.read",',
        f"{DOORS}/test_02_no_record_no_disclosure.py::test_a_machine_that_may_not_ask_hears_no",
    ),
    Mutant(
        3,
        "consent/gate/rules.py",
        '        return self.origin == "person" or origin == "file"\n',
        '        return self.origin != "system"\n',
        f"{DOORS}/test_03_a_stop_never_lapses.py::test_whatever_changes_around_it_only_its_person_lifts_a_stop",
    ),
    Mutant(
        4,
        "portal/settings.py",
        '    "sweep-orders": {"task": "revocations.tasks.sweep", "schedule": 5.0},\n',
        '    "sweep-orders": {"task": "revocations.tasks.sweep", "schedule": 86400.0},\n',
        f"{DOORS}/test_04_nothing_is_lost.py::test_what_waited_at_an_emptied_broker_is_told",
    ),
    # A worker keeps the session that its database has cut off.
    Mutant(
        4,
        "revocations/workers/delivery/delivery_rounds.py",
        "            if not connection.is_usable():\n",
        "            if connection.in_atomic_block:\n",
        "tests/revocations/test_delivery.py::test_a_worker_whose_session_was_cut_off_delivers_on_another",
    ),
    # A partner takes whatever comes last for the newest.
    Mutant(
        5,
        "tools/sandbox/store.py",
        "            if repeated or (standing is not None and (order.epoch, order.version) <= _numbers(standing)):\n",
        "            if repeated:\n",
        f"{DOORS}/test_05_the_newest_wins.py::test_a_partner_ends_stopped_however_its_orders_are_mixed",
    ),
    # A file that ends a line leaves its person signed in.
    Mutant(
        7,
        "consent/feeds/numbers.py",
        "            people.end_tenures(line_ids=self._ended, at=at)\n",
        "",
        f"{DOORS}/test_07_each_person_sees_only_their_own.py::test_the_next_holder_starts_empty_the_last_is_out",
    ),
    # What a gateway reports is written into the log.
    Mutant(
        9,
        "disclosures/api.py",
        "    try:\n        report = take(",
        "    try:\n        print(request.body, flush=True)\n        report = take(",
        f"{DOORS}/test_09_not_a_location_database.py::test_a_place_in_files_and_reports_is_nowhere_afterwards",
    ),
    # A receipt is checked by the keys of our database as well, which whoever holds it does not have.
    Mutant(
        10,
        "portal/management/commands/verify_receipt.py",
        "        found = read_json(jwks.read_bytes())\n",
        "        found = keys.archive(at=timezone.now())\n",
        f"{DOORS}/test_10_proof_without_trust.py::test_downloads_verify_without_us_and_changed_ones_do_not",
    ),
    # Pages that browsers send on, and Django's test client does not: it asks for no token against forgeries.
    Mutant(
        12,
        "templates/stop/everything.html",
        "    {% csrf_token %}\n",
        "",
        f"{DOORS}/test_12_easy.py::test_the_phone_stops_all_with_three_buttons",
    ),
    Mutant(
        12,
        "templates/choices/_pause_form.html",
        '  <input type="hidden" name="csrfmiddlewaretoken" value="{{ csrf_token }}">\n',
        "",
        f"{DOORS}/test_12_easy.py::test_a_stop_takes_one_button_and_allowing_two",
    ),
    Mutant(
        8,
        "templates/desk/act.html",
        "      {% csrf_token %}\n",
        "",
        f"{DOORS}/test_08_staff_access.py::test_agents_looks_and_acts_are_logged_and_none_allows",
    ),
)
