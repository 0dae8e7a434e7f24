"""What another wording of a notice changes: the words before it, the difference, and every language as it stands."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import ClassVar

from django.conf import settings
from django.utils import translation

from consent.domain.notices import fill_sample
from partners.labels import party_name
from partners.models import Campaign, NoticeText, Proposal
from partners.policies import loosening
from partners.policies.loosening import PublishNotice

# A place for a name, a character of Chinese, which has no spaces, or a word; with the space after it.
CHINESE = r"\u3000-\u303f\u3400-\u9fff\uff00-\uffef"
WORD = re.compile(rf"(?:\{{\w+\}}|[{CHINESE}]|[^\s{{{CHINESE}]+|\{{)\s*")


@dataclass(frozen=True)
class Piece:
    """Words that stay, or that a version takes away ("del") or adds ("ins")."""

    words: str
    tag: str = ""


@dataclass(frozen=True)
class LanguageVersion:
    """The newest wording in one language: its version and day, or none, where people read ours."""

    language: str
    name: str
    version: int = 0
    body: str = ""
    published_at: datetime | None = None


@dataclass(frozen=True)
class Sample:
    """A wording filled in for one service, as people would read it."""

    service: str
    body: str


@dataclass(frozen=True)
class NoticePreview:
    """A version before it is published. `was`: the one that it replaces. `others`: the other languages.

    `sample`: of the newest campaign that runs by then; None for a stop's words, which have no places, or without one.
    """

    use: str
    body: str
    starts_at: datetime
    was: LanguageVersion
    pieces: Sequence[Piece]
    others: Sequence[LanguageVersion]
    sample: Sample | None
    template: ClassVar[str] = "notice_preview.html"

    @property
    def seal(self) -> Sequence[object]:
        """Of the words, their day, and the version that was there."""
        return [self.use, self.was.language, self.was.version, self.body, self.starts_at.isoformat()]


def get_notice_preview(
    *, use: str, language: str, body: str, starts_at: datetime, replaces: int | None = None
) -> NoticePreview:
    """Return what these words would change, or changed: of the version `replaces`, where that isn't the newest."""
    newest = NoticeText.objects.filter(use=use).order_by("language", "-version").distinct("language")
    known = {one.language: one for one in newest}
    versions = [_build_version(code, str(name), known.get(code)) for code, name in settings.LANGUAGES]
    was = next(one for one in versions if one.language == language)
    others = [one for one in versions if one is not was]
    if replaces is not None:
        was = _build_version(language, was.name, NoticeText.objects.filter(pk=replaces).first())
    text = " ".join(body.split())
    pieces = list(_compare(was.body, text))
    return NoticePreview(use, text, starts_at, was, pieces, others, _fill_sample(use, language, text, starts_at))


def get_proposed_notice(*, proposal: Proposal) -> NoticePreview | None:
    """Return what a proposed notice changes; None for another proposal."""
    if proposal.act != Proposal.Act.PUBLISH_NOTICE:
        return None
    said = loosening.read(act=proposal.act, of=proposal.of, payload=proposal.payload)
    if not isinstance(said, PublishNotice):
        return None
    return get_notice_preview(
        use=said.use, language=said.language, body=said.body, starts_at=said.starts_at, replaces=proposal.target_id
    )


def _fill_sample(use: str, language: str, body: str, starts_at: datetime) -> Sample | None:
    if use == NoticeText.Use.STOP:
        return None
    then = Campaign.objects.filter(is_draft=False, ends_at__gt=starts_at, contract__ends_at__gt=starts_at)
    newest = then.select_related("contract__aggregator", "lbs_provider").order_by("-pk").first()
    if newest is None:
        return None
    with translation.override(language):
        service = party_name(newest.lbs_provider.name, newest.lbs_provider.uri)
        return Sample(service, fill_sample(use=use, body=body, campaign=newest))


def _build_version(language: str, name: str, text: NoticeText | None) -> LanguageVersion:
    if text is None:
        return LanguageVersion(language, name)
    return LanguageVersion(language, name, text.version, text.body, text.published_at)


def _compare(was: str, now: str) -> Iterator[Piece]:
    old, new = WORD.findall(was), WORD.findall(now)
    bare_old, bare_new = ([word.strip() for word in words] for words in (old, new))
    for what, i, j, k, m in SequenceMatcher(None, bare_old, bare_new, autojunk=False).get_opcodes():
        if what == "equal":
            yield Piece("".join(new[k:m]))
            continue
        if j > i:
            yield Piece("".join(old[i:j]), "del")
        if m > k:
            yield Piece("".join(new[k:m]), "ins")
