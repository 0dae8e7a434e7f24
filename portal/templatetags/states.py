"""Where orders, choices and companies stand, in words: the sentences and tags of `*_words`, for templates."""

from collections.abc import Callable, Sequence

from django import template

from accounts.domain.sentences import Tag
from accounts.models import User
from accounts.queries import PersonsLine
from consent import labels
from consent.queries import choice_words, order_words, sharing_words
from consent.queries.choices import ChoiceRow
from consent.queries.current_consent_uses import Proof
from consent.queries.progress import Progress
from consent.queries.receipts import EvidenceView
from disclosures.queries import alert_words, card_words, count_words, no_record_words, trail_words
from disclosures.queries.company_cards import CompanyCard
from disclosures.queries.line_alerts import LineAlert
from support.queries import case_words, record_words
from support.queries.case import Proof as RecordedProof
from support.queries.names import ORDER_TAGS

register = template.Library()
register.filter(labels.method_in_words)
SENTENCES: tuple[Callable[..., str], ...] = (
    card_words.card_now, card_words.ended_words, case_words.case_state,
    choice_words.choice_lead, choice_words.impersonal_title, count_words.doubtful_words, count_words.involvement_words,
    count_words.outside_words, count_words.recency_words, count_words.tally_list,
    count_words.tally_words, no_record_words.no_record_step,
    no_record_words.no_record_words, order_words.due_words, order_words.list_unsigned, order_words.order_sentence,
    order_words.replaced_words, order_words.signed_claim, order_words.signed_in_part, order_words.step_words,
    record_words.choice_kind, record_words.look_up_basis, record_words.scan_in_words,
    record_words.signed_word, sharing_words.sharing_words,
    trail_words.day_names, trail_words.hop_name, trail_words.hop_role, trail_words.place_name,
)  # fmt: skip
for words in SENTENCES:
    register.simple_tag(words)


def _author(actor: str, line: PersonsLine, reader: User) -> choice_words.Author:
    return choice_words.choice_author(line=line, reader=reader, actor=actor)


def _first_author(actors: Sequence[str], line: PersonsLine, reader: User) -> choice_words.Author:
    """The reader, where they are among those who said it; else who said the newest of it."""
    authors = [_author(actor, line, reader) for actor in actors]
    return "you" if "you" in authors or not authors else authors[0]


@register.simple_tag
def choice_title(choice: ChoiceRow, line: PersonsLine, reader: User) -> str:
    """What was chosen, as this reader would say it."""
    return choice_words.choice_title(choice=choice, author=_author(choice.actor, line, reader))


@register.simple_tag
def discreet_title(choice: ChoiceRow, line: PersonsLine, reader: User) -> str:
    """What was chosen, without a name."""
    return choice_words.discreet_title(choice=choice, author=_author(choice.actor, line, reader))


@register.simple_tag
def choice_origin(choice: ChoiceRow, line: PersonsLine, reader: User) -> str:
    """By whom a choice was made, and how it came."""
    return choice_words.choice_origin(choice=choice, author=_author(choice.actor, line, reader))


@register.simple_tag
def proof_words(proof: Proof, line: PersonsLine, reader: User) -> str:
    """What speaks for an agreement, or that nothing does."""
    return card_words.proof_words(proof=proof, author=_author(proof.by, line, reader))


@register.inclusion_tag("components/tags.html")
def order_tag(progress: Progress, undone: object) -> dict[str, list[Tag]]:
    """Show in a word or two where a partner's order stands."""
    return {"tags": [order_words.order_tag(progress=progress, undone=bool(undone))]}


@register.inclusion_tag("components/tags.html")
def desk_order_tag(state: str) -> dict[str, list[Tag]]:
    """Show how far an order is, as the desk says it."""
    return {"tags": [ORDER_TAGS[state]]}


@register.inclusion_tag("components/tags.html")
def evidence_tag(evidence: EvidenceView) -> dict[str, list[Tag]]:
    """Show how far a partner is that was asked for its proof."""
    return {"tags": [record_words.answer_tag(evidence=evidence)]}


@register.inclusion_tag("components/tags.html")
def recorded_tag(proof: RecordedProof) -> dict[str, list[Tag]]:
    """Show by whose word a yes is on record."""
    return {"tags": [record_words.BY_PARTNER if proof.by_partner else record_words.BY_CARRIER]}


@register.inclusion_tag("components/tags.html")
def card_tags(card: CompanyCard, line: PersonsLine, reader: User) -> dict[str, list[Tag]]:
    """Show in a word or two how a company stands."""
    return {"tags": [*card_words.card_tags(card=card, author=_first_author(card.no_authors, line, reader))]}


@register.simple_tag(name="alert_words")
def alert_sentences(alert: LineAlert, line: PersonsLine, reader: User) -> str:
    """What a company did, and what stands now."""
    return alert_words.alert_words(alert=alert, author=_first_author(alert.no_authors, line, reader))
