"""The evidence of one court order, hidden releases included: for the legal-process role, which alone may have it made.

It names no subscriber, phone number or line, and no other order: it goes to the court that made this one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings

from consent.queries.current_consent import names_of
from console.queries import staff
from console.queries.documents import DocumentRequest, Report, Section, format_value
from console.queries.evidence_packs import build_log
from disclosures.models import DelayedNotice, Disclosure, HeldNotice
from disclosures.queries.delayed import OrderRecord, get_logged_name, get_order_record, hides
from partners.labels import precision_in_words, purpose_in_words
from support.models import Document

type Notice = DelayedNotice | HeldNotice

# An order is answered whole, as far as a document can be printed and read.
MOST_RELEASES = 5000
RELEASES = ("Release", "Time", "Result", "Basis", "Companies", "Purpose", "Precision", "Under this order")


def build_order_pack(*, wanted: DocumentRequest) -> Report | None:
    """Return what was recorded under the order of this reference; None where nothing was.

    Its title and name don't hold the reference: lists show them, and seeing the reference takes a reason.
    """
    record = get_order_record(order_ref=wanted.ref)
    if record is None:
        return None
    logged = get_logged_name(order_ref=wanted.ref)
    about = f"order:{logged.partition(':')[2]}"
    newest = {one.disclosure_id: one for one in record.notices}
    log = staff.acts(at=wanted.at, of_legal=True).filter(target__in=[logged, f"document:{about}"])
    return Report(Document.Kind.ORDER, about, str(Document.Kind.ORDER.label), [
        Section.build_facts("The order", {
            "Carrier": settings.CARRIER_NAME,
            "Reference": wanted.ref,
            "First recorded": record.notices[0].recorded_at,
            "Releases named": len(newest),
            "Hidden under it now": sum(hides(notice=one, at=wanted.at) for one in newest.values()),
            "Not received yet": len(newest) - len(record.releases),
        }),
        Section.build(
            "Releases", RELEASES, _list_releases(record, newest, wanted.at), at_most=MOST_RELEASES,
            text=["Each by the carrier's own ID. No phone number, name or coordinates are in this pack."],
        ),
        Section.build(
            "What was recorded", ("When", "Release", "Hidden until"),
            [(one.recorded_at, _name(one.disclosure_id, record), _until(one)) for one in record.notices],
            at_most=MOST_RELEASES,
        ),
        build_log(log),
    ])  # fmt: skip


def _list_releases(record: OrderRecord, newest: dict[UUID, Notice], at: datetime) -> Iterator[tuple[object, ...]]:
    called = names_of(uris={uri for one in record.releases.values() for uri in one.path})
    for own, notice in newest.items():
        release = record.releases.get(own)
        facts = _describe(release, called) if release else ("not received yet", *[""] * 5)
        yield _name(own, record), *facts, f"hidden until {_until(notice)}" if hides(notice=notice, at=at) else "shown"


def _describe(one: Disclosure, called: Mapping[str, str]) -> tuple[object, ...]:
    return (
        one.occurred_at, one.get_outcome_display(), one.get_basis_display(),
        " → ".join(called.get(uri, uri) for uri in one.path), purpose_in_words(one.purpose),
        precision_in_words(one.precision_m),
    )  # fmt: skip


def _name(own: UUID, record: OrderRecord) -> str:
    release = record.releases.get(own)
    return release.source_id if release else str(own)


def _until(one: Notice) -> str:
    return format_value(value=one.suppressed_until) if one.suppressed_until else "further order"
