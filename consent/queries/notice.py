"""What a person had read before a choice, as it was kept."""

from consent.models import Notice


def notice_of(*, digest: str) -> Notice | None:
    """The notice of this digest, word for word; None for a choice that came without one."""
    return Notice.objects.filter(digest=digest).first() if digest else None
