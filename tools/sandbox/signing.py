"""What the partner and the companies below it sign: receipts, as docs/guides/partners.md has them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tools.sandbox import clock
from tools.sandbox.faults import Fault, Faults
from tools.sandbox.identity import Identity, Signer
from tools.sandbox.orders import EVIDENCE_RESPONSE, RECEIPT, TYP, Cohort, EvidenceRequest, Order

type Deeds = list[dict[str, object]]


def receipt(about: Order | Cohort, identity: Identity, *, jti: str, event: Mapping[str, object]) -> str:
    """Return the partner's own word about an order or a cohort."""
    version = about.version if isinstance(about, Order) else 0
    said = {**event, "applied": {"epoch": about.epoch, "version": version}}
    told = {"iss": about.iss, "jti": about.jti}
    return _sign_receipt(identity.partner, about.iss, jti, aud=about.iss, txn=about.txn, told=told, event=said)


def evidence(asked: EvidenceRequest, identity: Identity) -> tuple[str, str]:
    """Return the partner's answer to a question for its proof, and the answer's own id."""
    now, jti = clock.now(), f"ev-{uuid.uuid4().hex}"
    event = {
        "event_timestamp": int(now.timestamp()),
        "answer": "evidence",
        "method": "sms",
        "captured_at": clock.stamp(now - timedelta(days=400)),
        "wording": "Reply YES to be found.",
        "language": "en",
        "evidence_ref": f"consents/{asked.jti}",
    }
    claims = {
        "iss": identity.uri,
        "aud": asked.iss,
        "jti": jti,
        "iat": int(now.timestamp()),
        "toe": int(now.timestamp()),
        "txn": asked.txn,
        "sub_id": {"format": "jwt_id", "iss": asked.iss, "jti": asked.jti},
        "events": {asked.iss + EVIDENCE_RESPONSE: event},
    }
    return identity.partner.sign(typ=TYP, claims=claims), jti


def sign_for_downstream(about: Order | Cohort, identity: Identity, faults: Faults) -> Deeds:
    """Each company below deletes and signs for it, naming the order at the root. Of a part, the company it is about."""
    part = about.scope.get("recipient") if isinstance(about, Cohort) else None
    companies = [one for one in identity.downstream.values() if part in {None, one.uri}]
    if faults.now is Fault.PARTIAL:
        companies = companies[:-1]
    signed = [_build_downstream_receipt(company, about, identity) for company in companies]
    return signed + _name_others(about, identity) if isinstance(about, Order) else signed


def deed(action: str, at: datetime, **more: object) -> dict[str, object]:
    """Return one action, done."""
    return {"action": action, "status": "completed", "at": clock.stamp(at)} | more


def _name_others(order: Order, identity: Identity) -> Deeds:
    """Name whom `changes` withdraws and whose key isn't here: told too, on the partner's own word."""
    ours = {identity.uri, *(one.uri for one in identity.downstream.values())}
    withdrawn = dict.fromkeys(str(one.get("recipient")) for one in order.changes if one.get("to") == "withdrawn")
    at = clock.stamp(clock.now())
    return [{"recipient": uri, "status": "completed", "at": at} for uri in withdrawn if uri not in ours]


def _build_downstream_receipt(company: Signer, about: Order | Cohort, identity: Identity) -> dict[str, object]:
    done = [deed(action, clock.now()) for action in about.required_actions if action in {"stop_use", "delete_held"}]
    event = {
        "status": "completed",
        "root": {"iss": about.iss, "jti": about.jti},
        "applied": {"epoch": about.epoch, "version": about.version if isinstance(about, Order) else 0},
        "actions": done,
    }
    # The partner's own order to the company below; its number is of their two houses alone.
    passed_on = {"iss": identity.uri, "jti": uuid.uuid4().hex}
    token = _sign_receipt(
        company, about.iss, uuid.uuid4().hex, aud=identity.uri, txn=f"tx-{uuid.uuid4().hex}", told=passed_on,
        event=event,
    )  # fmt: skip
    return {"recipient": company.uri, "status": "completed", "at": clock.stamp(clock.now()), "receipt": token}


def _sign_receipt(
    signer: Signer, carrier: str, jti: str, *, aud: str, txn: str, told: Mapping[str, str], event: Mapping[str, object]
) -> str:
    now = int(clock.now().timestamp())
    claims = {
        "iss": signer.uri,
        "aud": aud,
        "jti": jti,
        "iat": now,
        "toe": now,
        "txn": txn,
        "sub_id": {"format": "jwt_id", **told},
        "events": {carrier + RECEIPT: {"event_timestamp": now, **event}},
    }
    return signer.sign(typ=TYP, claims=claims)


def unknown(actions: Sequence[str], known: frozenset[str] | set[str]) -> list[str]:
    """Return the actions that nobody here can do."""
    return [action for action in actions if action not in known]
