"""What another wording of a notice changes: the words before it, the difference, and every language as it stands."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import ClassVar

from django.conf import settings

from partners.models import NoticeText

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
class NoticePreview:
    """A version before it is published. `was`: the one that it replaces. `others`: the other languages."""

    use: str
    body: str
    was: LanguageVersion
    pieces: Sequence[Piece]
    others: Sequence[LanguageVersion]
    template: ClassVar[str] = "notice_preview.html"

    @property
    def seal(self) -> Sequence[object]:
        """Of the words, and of the version that was there."""
        return [self.use, self.was.language, self.was.version, self.body]


def get_notice_preview(*, use: str, language: str, body: str) -> NoticePreview:
    """Return what these words would change."""
    newest = NoticeText.objects.filter(use=use).order_by("language", "-version").distinct("language")
    known = {one.language: one for one in newest}
    versions = [_build_version(code, str(name), known.get(code)) for code, name in settings.LANGUAGES]
    was = next(one for one in versions if one.language == language)
    text = " ".join(body.split())
    others = [one for one in versions if one is not was]
    return NoticePreview(use, text, was, list(_compare(was.body, text)), others)


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
