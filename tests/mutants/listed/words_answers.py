"""What is answered to what somebody sends, where buttons and links lead, and what only a few come by."""

from tests.mutants.mutant import Mutant

ANSWERS = "tests/words/test_every_page.py::test_answers_to_what_is_sent"
SELDOM = "tests/words/test_every_page.py::test_pages_in_states_that_are_seldom"
STATES = "tests/words/test_every_page.py::test_states_of_pages"
HELD = "tests/promises/test_07_held.py::test_stopping_pausing_disputing_and_ending_sign_ins_are_never_held"

MUTANTS = (
    Mutant(
        7,
        "templates/looking_after/asked.html",
        '<button name="answer" value="no">',
        '<button name="answer" value="yes" data-no>',
        SELDOM,
    ),
    Mutant(
        7, "templates/looking_after/delegates.html", "{% if one.user_id %}<dt>", "{% if one.ends_at %}<dt>", ANSWERS
    ),
    Mutant(
        7,
        "templates/account/lines.html",
        '{% elif line.relation == "ex_user" %}',
        '{% elif line.relation == "ex_users" %}',
        ANSWERS,
        places=2,
    ),
    Mutant(
        7,
        "templates/account/lines.html",
        "{% url 'delegation' one.delegation.id %}",
        "{% url 'safe-contact' %}",
        ANSWERS,
    ),
    Mutant(7, "templates/safety/contact.html", "{% if waits %}", "{% if waits and number %}", ANSWERS),
    Mutant(7, "templates/safety/contact.html", "{% if both_until %}", "{% if not both_until %}", ANSWERS),
    Mutant(7, "templates/safety/separation.html", "{% when newest.due_at %}", "{% when newest.asked_at %}", ANSWERS),
    Mutant(7, "templates/mfa/index.html", "{{ n }} code is left.", "{{ n }} codes are left.", ANSWERS),
    Mutant(
        7,
        "templates/mfa/webauthn/authenticator_list.html",
        "{% on_day authenticator.last_used_at %}",
        "{% on_day authenticator.created_at %}",
        ANSWERS,
    ),
    Mutant(
        3,
        "templates/choices/_ended_uses.html",
        "{% elif one.use.may_be_allowed or one.use.not_for %}",
        "{% elif one.use %}",
        ANSWERS,
    ),
    Mutant(
        3,
        "templates/choices/_ended_uses.html",
        "{{ one.until|date:'Y-m-d' }}",
        "{{ choice.made_at|date:'Y-m-d' }}",
        ANSWERS,
    ),
    Mutant(
        3, "templates/choices/allow.html", "{% elif use.may_be_allowed or use.not_for %}", "{% elif use %}", ANSWERS
    ),
    Mutant(3, "templates/choices/allow.html", "{% if notice.recipients %}", "{% if use.not_for %}", ANSWERS),
    Mutant(
        3,
        "consent/queries/choice_words.py",
        "if state.changed and choice.kind != Choice.Kind.ALLOW:",
        "if state.changed and choice.kind == Choice.Kind.ALLOW:",
        ANSWERS,
    ),
    Mutant(
        3,
        "disclosures/queries/card_words.py",
        "    if card.is_suspended and not card.is_allowed:\n        yield sentence(",
        "    if card.is_suspended and card.is_stopped:\n        yield sentence(",
        ANSWERS,
    ),
    Mutant(3, "templates/home/_card.html", "{% if card.refused %}", "{% if card.refused > 1 %}", ANSWERS),
    Mutant(
        3,
        "disclosures/queries/count_words.py",
        "refused = [_fill(_refused_message(got), got.refused)]",
        "refused = [_fill(_refused_message(got), got.n)]",
        ANSWERS,
    ),
    Mutant(
        3,
        "templates/companies/_kind.html",
        '{% elif kind == "end_customer" %}',
        '{% elif kind == "unnamed" %}',
        ANSWERS,
    ),
    Mutant(
        3,
        "templates/companies/company.html",
        "{% if one.use and not one.use.names_recipient %}",
        "{% if one.use and one.use.names_recipient %}",
        ANSWERS,
    ),
    Mutant(
        6,
        "templates/companies/company.html",
        '{% if card.stopped_at %}{% translate "Status of your stop" %}',
        '{% if card.paused_until %}{% translate "Status of your stop" %}',
        ANSWERS,
    ),
    Mutant(8, "templates/help/case.html", "{% url 'dispute' dispute %}", "{% url 'choice' dispute %}", ANSWERS),
    Mutant(8, "templates/help/case.html", "with n=ticket.rating trimmed", "with n=5 trimmed", ANSWERS),
    Mutant(3, "templates/stop/everything.html", "{% if was_another %}", "{% if not was_another %}", ANSWERS),
    Mutant(2, "templates/ask/yes.html", "{% if changed %}", "{% if question.for_a_child %}", ANSWERS),
    Mutant(
        11,
        "accounts/views/delegations.py",
        '"no": gettext_lazy("You said no."),',
        '"no": gettext_lazy("You\'re no longer a trusted helper for that line. You can\'t see it anymore."),',
        ANSWERS,
    ),
    Mutant(
        7,
        "accounts/views/safety.py",
        '_("We now send alerts about this line to its own phone.")',
        '_("We now send alerts about this line to your safe number.")',
        ANSWERS,
    ),
    Mutant(
        3,
        "consent/views/choices.py",
        'every_company if everything else _("Done. It is blocked from now on.")',
        "every_company",
        HELD,
    ),
    Mutant(
        3,
        "templates/choices/_signal_question.html",
        "formaction=\"{% url 'choice-signal-stop' %}\"",
        "formaction=\"{% url 'choice-signal' %}\"",
        STATES,
    ),
    Mutant(
        3,
        "templates/home/_buttons.html",
        "{% if card.allowable|length > 1 %}",
        "{% if card.allowable|length > 2 %}",
        ANSWERS,
        places=2,
    ),
    Mutant(
        3,
        "templates/choices/_ended_uses.html",
        "{% url 'choice' one.allowed_by %}",
        "{% url 'choice' choice.id %}",
        ANSWERS,
    ),
)
