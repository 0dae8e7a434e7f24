"""Where orders, choices and companies stand, in words: the sentences and tags of `*_words`, for templates."""

from django import template
from django.utils.safestring import SafeString

from accounts.domain.sentences import Tag
from accounts.models import User
from accounts.queries import PersonsLine
from consent import labels
from consent.queries import choice_words, order_words
from consent.queries.choices import ChoiceRow
from consent.queries.current_consent_uses import Proof
from consent.queries.progress import OrderState, Progress
from consent.queries.termination import EndedAgreement
from disclosures.queries import alert_words as alerts
from disclosures.queries import card_words, count_words
from disclosures.queries.company_cards import CompanyCard
from disclosures.queries.history_days import HistoryTally
from disclosures.queries.judgement_counts import Involvement, OutsideAgreements
from disclosures.queries.line_alerts import LineAlert
from revocations.queries.coverage import Coverage
from support.queries import case_words
from support.queries.names import ORDER_TAGS
from support.queries.own_cases import Case

register = template.Library()
register.filter(labels.method_in_words)


@register.inclusion_tag("components/tags.html")
def order_tag(progress: Progress, undone: object) -> dict[str, list[Tag]]:
    """Show in a word or two where a partner's order stands."""
    return {"tags": [order_words.order_tag(progress=progress, undone=bool(undone))]}


@register.inclusion_tag("components/tags.html")
def desk_order_tag(state: str) -> dict[str, list[Tag]]:
    """Show how far an order is, as the desk says it."""
    return {"tags": [ORDER_TAGS[state]]}


@register.inclusion_tag("components/tags.html")
def card_tags(card: CompanyCard) -> dict[str, list[Tag]]:
    """Show in a word or two how a company stands."""
    return {"tags": [*card_words.card_tags(card=card)]}


@register.simple_tag
def order_sentence(order: OrderState, party: str) -> SafeString:
    """Where an order stands at a partner, in no more words than are known."""
    return order_words.order_sentence(order=order, party=party)


@register.simple_tag
def unsigned_names(coverage: Coverage) -> SafeString:
    """Who behind a partner has not signed, by name."""
    return order_words.list_unsigned(coverage=coverage)


@register.simple_tag
def signed_in_part(party: str, coverage: Coverage) -> SafeString:
    """That a partner signed, and who behind it has not."""
    return order_words.signed_in_part(party=party, coverage=coverage)


@register.simple_tag
def signed_claim(progress: Progress) -> SafeString:
    """What a partner has signed, or has yet to sign."""
    return order_words.signed_claim(progress=progress)


@register.simple_tag
def due_words(progress: Progress) -> SafeString:
    """By when a partner must sign, or must have."""
    return order_words.due_words(progress=progress)


@register.simple_tag
def choice_title(choice: ChoiceRow, line: PersonsLine, reader: User) -> SafeString:
    """What was chosen, as this reader would say it."""
    author = choice_words.choice_author(line=line, reader=reader, actor=choice.actor)
    return choice_words.choice_title(choice=choice, author=author)


@register.simple_tag
def discreet_title(choice: ChoiceRow, line: PersonsLine, reader: User) -> str:
    """What was chosen, without a name."""
    author = choice_words.choice_author(line=line, reader=reader, actor=choice.actor)
    return choice_words.discreet_title(choice=choice, author=author)


@register.simple_tag
def impersonal_title(choice: ChoiceRow) -> SafeString:
    """What was chosen, and not by whom."""
    return choice_words.impersonal_title(choice=choice)


@register.simple_tag
def choice_origin(choice: ChoiceRow, line: PersonsLine, reader: User) -> SafeString:
    """By whom a choice was made, and how it came."""
    author = choice_words.choice_author(line=line, reader=reader, actor=choice.actor)
    return choice_words.choice_origin(choice=choice, author=author)


@register.simple_tag
def card_now(card: CompanyCard) -> SafeString:
    """Whether a company is allowed or blocked now, since when, and by whose word."""
    return card_words.card_now(card=card)


@register.simple_tag
def proof_words(proof: Proof, line: PersonsLine, reader: User) -> SafeString:
    """What speaks for an agreement, or that nothing does."""
    author = choice_words.choice_author(line=line, reader=reader, actor=proof.by)
    return card_words.proof_words(proof=proof, author=author)


@register.simple_tag
def ended_words(ended: EndedAgreement) -> SafeString:
    """Which contract or use ended, and whether the partner has signed that it deleted."""
    return card_words.ended_words(ended=ended)


@register.simple_tag
def alert_words(alert: LineAlert) -> SafeString:
    """What does not look right of a company, and where it stands now."""
    return alerts.alert_words(alert=alert)


@register.simple_tag
def involvement_words(got: Involvement) -> SafeString:
    """How often a company got the location in one way."""
    return count_words.involvement_words(got=got)


@register.simple_tag
def outside_words(outside: OutsideAgreements) -> SafeString:
    """What a company got without an agreement ever being asked for."""
    return count_words.outside_words(outside=outside)


@register.simple_tag
def doubtful_words(n: int) -> SafeString:
    """How many look-ups were reported on a ground that is not believed."""
    return count_words.doubtful_words(n=n)


@register.simple_tag
def recency_words(n: int, recent: int) -> SafeString:
    """How often, of late or in all."""
    return count_words.recency_words(n=n, recent=recent)


@register.simple_tag
def tally_words(tally: HistoryTally) -> SafeString:
    """How much of each sort a part of the history holds."""
    return count_words.tally_words(tally=tally)


@register.simple_tag
def case_state(case: Case) -> SafeString:
    """Whose turn it is in a case, and by when an answer is due."""
    return case_words.case_state(case=case)
