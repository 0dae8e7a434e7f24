"""Why a company got the location with no record of consent, in words, and what was done since."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.sentences import join_sentences, join_words, sentence
from disclosures.queries.no_record import NoRecord, Step, What

STEPS: Final[Mapping[What, Promise]] = {
    "noticed": gettext_lazy("Our checks found it."),
    "ungated": gettext_lazy("We opened an incident about it."),
    "asked": gettext_lazy("We asked it to prove that you agreed."),
    "no_proof": gettext_lazy("It says that it has no proof."),
    "proof": gettext_lazy("It says that it has proof."),
    "unanswered": gettext_lazy("It did not answer in time. Our privacy office is following up."),
}


def no_record_words(*, no_record: NoRecord) -> SafeString:
    """Say who asked for it under which contract, and why it was given out, as far as our records show."""
    asked = _("<bdi>%(names)s</bdi> asked for your location and said that you had agreed.")
    named = _("It named no use that we had approved.")
    if no_record.contracts:
        named = _("The contract with us that it named: <bdi>%(refs)s</bdi>.")
    given_out = _("Our records don't show why it was given out.")
    if no_record.ungated:
        given_out = _("Our own location system gave it out without permission from our consent check.")
    names, refs = join_words(no_record.partners), join_words(no_record.contracts)
    return join_sentences([sentence(asked, names=names), sentence(named, refs=refs), sentence(given_out)])


def no_record_step(*, step: Step) -> SafeString:
    """Say one thing that was done about it, and by or to which partner."""
    done = sentence(STEPS[step.what])
    return format_html("<bdi>{}</bdi>: {}", step.party, done) if step.party else done
