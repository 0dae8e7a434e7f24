"""The officers' console, which speaks English alone."""

from typing import Final

from tests.words.expected.said import Said

TABLE: Final = {
    name: Said(english, english)
    for name, english in {
        # How far something sent is
        "o_queued": "Waiting to be sent",
        "o_sent": "Sent, not confirmed yet",
        "o_parked": "Held back, we are looking into it",
        "o_acknowledged": "Received by the partner",
        "o_partial": "Signed as done in part",
        "o_completed": "Signed as done",
        "o_rejected": "The partner refused",
        "o_contradicted": "The partner went on after signing",
        "o_superseded": "Replaced by a newer one",
        # The page of one order
        "o_sent_to": "Sent to {name}",
        "o_stop": "Stop {version}",
        "o_whose_move_us": "Whose move: us. Offered anew {moment}",
        "o_contract_and_line": "Contract {contract}. The partner knows the line as {sub}.",
        "o_states": "States",
        "o_step_queued": "Queued {at} UTC",
        "o_step_sent": "Sent {at} UTC",
        "o_step_acknowledged": "Acknowledged {at} UTC",
        "o_step_signed": "Signed as done {at} UTC",
        "o_not_sent": "Sent not yet",
        "o_not_acknowledged": "Acknowledged not yet",
        "o_signature_due": "Signed as done due {at} UTC",
        "o_attempts": "Attempts",
        "o_not_tried": "Not tried yet.",
        "o_it_answered": "It answered: {detail}",
        "o_what_was_signed": "What the partner signed",
        "o_no_receipt": "No receipt yet.",
        "o_below": "Companies below it",
        "o_signed_by_itself": "{name} {uri} signed by itself, {day}",
        "o_reported": "{name} {uri} reported by the partner: {status}, {day}",
        "o_has_not_signed": "{name} {uri} (bad) has not signed",
        "o_unnamed_has_not": "A company we can't name (bad) has not signed",
        # A partner's delivery
        "o_streams": "Streams",
        "o_silent": "silent",
        "o_not_verified": "not verified",
        "o_late": "late",
        "o_nothing_for_a_day": "Nothing acknowledged for a day or more.",
        "o_not_in_time": "Not acknowledged within 15 minutes.",
        "o_no_stream": ("It has made no stream, so that nothing asks it every six hours whether it is there."),
        "o_waiting_since": "{n} waiting, the oldest for {span}. The party's page",
        "o_none_waiting": "0 waiting. The party's page",
    }.items()
}
