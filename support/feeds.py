"""Mail that came in, as the carrier's mail gateway hands it on; and what of it its writer wrote."""

import re
from email.utils import getaddresses
from typing import Annotated

import msgspec

from partners.labels import sanitise_text
from support.actions.incoming import IncomingMail
from support.models import LONGEST

# What a gateway may say that a mail is, and a person wrote it all the same (RFC 3834).
BY_A_PERSON = frozenset({"", "no"})
# Where the mail that is answered begins, in the words of common programs.
QUOTED = re.compile(
    r"^(?:>.*"
    r"|-{2,}\s*(?:original message|forwarded message|mensaje original|原始邮件|tin nhắn gốc|الرسالة الأصلية)\s*-{2,}"
    r"|_{10,}"
    r"|(?:on|el|vào) .{4,200}(?:wrote|escribió|đã viết)\s*:"
    r"|.{4,200}写道[:：]"
    r"|.{4,200}كتب\s*[:：]"
    r"|from:\s.+|de:\s.+)\s*$",
    re.IGNORECASE,
)
NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class MailedFile(msgspec.Struct, frozen=True):
    """A file of a mail, in base64."""

    name: Annotated[str, msgspec.Meta(max_length=1000)]
    content: bytes


class IncomingMailMessage(msgspec.Struct, frozen=True):
    """One mail, its plain text alone. `auto_submitted`: that header of the mail, as it is; "" where it has none."""

    to: Annotated[str, msgspec.Meta(max_length=4000)]
    sender: Annotated[str, msgspec.Meta(max_length=1000)] = msgspec.field(name="from")
    subject: Annotated[str, msgspec.Meta(max_length=4000)]
    text: Annotated[str, msgspec.Meta(max_length=1_000_000)]
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    auto_submitted: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    attachments: Annotated[list[MailedFile], msgspec.Meta(max_length=50)] = []

    def build_incoming_mail(self) -> IncomingMail:
        """Return what is taken of it."""
        return IncomingMail(
            message_id=self.message_id,
            sender=self.sender_address,
            addresses=[address for _, address in getaddresses([self.to])],
            title=sanitise_text(self.subject, at_most=200),
            words=self.words,
            by_a_person=self.is_by_a_person,
            files=[(one.name, one.content) for one in self.attachments],
        )

    @property
    def is_by_a_person(self) -> bool:
        """Whether no program sent it by itself, as far as the mail says."""
        return self.auto_submitted.partition(";")[0].strip().lower() in BY_A_PERSON

    @property
    def sender_address(self) -> str:
        """The address it says it comes from, in small letters; "" where that is none."""
        found = [address.lower() for _, address in getaddresses([self.sender])]
        plain = len(found) == 1 and found[0].isprintable() and found[0].count("@") == 1 and len(found[0]) < 255
        return found[0] if plain and not found[0].startswith("@") and not found[0].endswith("@") else ""

    @property
    def words(self) -> str:
        """What was written, without the mail that it answers, harmless to lay out, as much as a case keeps."""
        kept: list[str] = []
        for line in NOT_IN_TEXT.sub("", self.text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
            if QUOTED.match(line.strip()) and kept:
                break
            if not QUOTED.match(line.strip()):
                kept.append(line.rstrip())
        return "\n".join(kept).strip()[:LONGEST]


DECODER = msgspec.json.Decoder(IncomingMailMessage)
