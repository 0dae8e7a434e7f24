"""Which alerts the person of a line wants."""

from accounts.models import AlertChoice, LineTexts


def has_alerts_off(*, line_id: int) -> bool:
    """Return whether this line's person texted that they want no news by text."""
    return LineTexts.objects.filter(line_id=line_id).exists()


def find_alert_choices(*, line_id: int) -> dict[str, bool]:
    """Find, by topic, whether this line's person wants alerts about it: all but the yearly one, unless they chose."""
    chosen = dict(AlertChoice.objects.filter(line_id=line_id).values_list("topic", "wanted"))
    return {topic: wants_alert(topic=topic, chosen=chosen.get(topic)) for topic in AlertChoice.Topic.values}


def wants_alert(*, topic: str, chosen: bool | None) -> bool:
    """Return whether a person wants alerts about a topic; `chosen`: None where they never chose."""
    return topic != AlertChoice.Topic.YEARLY if chosen is None else chosen
