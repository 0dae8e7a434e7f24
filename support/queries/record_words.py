"""What a case is about, in the desk's words: the ground of a look-up, the kind of a choice, what proof there is.

And what scans of its files found.
"""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from accounts.domain.sentences import Tag
from consent.models import Choice
from consent.queries.choices import ChoiceRow
from consent.queries.receipts import EvidenceView
from disclosures.models import Basis
from revocations.models import EvidenceRequest
from support.models import Attachment
from support.queries.timeline import SignedReceipt

BASES: Final[Mapping[str, Promise]] = {
    Basis.APPROVAL: gettext_lazy("an approval"),
    Basis.EMERGENCY: gettext_lazy("an emergency call"),
    Basis.LEGAL_PROCESS: gettext_lazy("a lawful order"),
    Basis.NETWORK: gettext_lazy("running the network"),
}
CHOICES: Final[Mapping[str, Promise]] = {
    Choice.Kind.STOP: gettext_lazy("A stop"),
    Choice.Kind.PAUSE: gettext_lazy("A pause"),
    Choice.Kind.REFUSE: gettext_lazy("A no to a question"),
    Choice.Kind.ALLOW: gettext_lazy("A yes"),
}
# What the virus scan of a file found.
SCANS: Final[Mapping[str, Promise]] = {
    Attachment.Scan.WAITING: gettext_lazy("Not scanned yet"),
    Attachment.Scan.CLEAN: gettext_lazy("No virus found"),
    Attachment.Scan.REFUSED: gettext_lazy("Harmful, so no one can open it"),
    Attachment.Scan.FAILED: gettext_lazy("The scan failed, so no one can open it"),
    Attachment.Scan.REMOVED: gettext_lazy("Removed before it was sent"),
}
NEVER_AGREED: Final = gettext_lazy("“I never agreed”")
ANSWERS: Final[Mapping[str, Tag]] = {
    EvidenceRequest.Answer.EVIDENCE: Tag("warn", gettext_lazy("says that it has proof")),
    EvidenceRequest.Answer.NONE: Tag("bad", gettext_lazy("says that it has none")),
}
SIGNED: Final[Mapping[str, Promise]] = {
    "completed": gettext_lazy("Signed as done"),
    "rejected": gettext_lazy("Refused by the partner"),
}
BEGUN: Final = gettext_lazy("Signed as begun")
LATE: Final = Tag("bad", gettext_lazy("late"), "clock")
ASKED: Final = Tag("plain", gettext_lazy("asked"), "clock")
BY_PARTNER: Final = Tag("warn", gettext_lazy("the company's word alone"))
BY_CARRIER: Final = Tag("good", gettext_lazy("taken by the carrier"))


def look_up_basis(*, basis: str) -> str:
    """Say on what ground a look-up was made."""
    return str(BASES[basis])


def choice_kind(*, choice: ChoiceRow) -> str:
    """Say what kind of choice it is."""
    return str(NEVER_AGREED if choice.disputed else CHOICES[choice.kind])


def signed_word(*, receipt: SignedReceipt) -> str:
    """Say what a partner's receipt says."""
    return str(SIGNED.get(receipt.status, BEGUN))


def answer_tag(*, evidence: EvidenceView) -> Tag:
    """Say how far a partner is that was asked for its proof."""
    return ANSWERS.get(evidence.answer) or (LATE if evidence.late else ASKED)


def scan_in_words(*, scan: str) -> str:
    """Say what the virus scan of a file found. `scan`: of `Attachment.Scan`."""
    return str(SCANS[scan])
