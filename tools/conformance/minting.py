"""What a trial sends: events as they really are, about names that no line has, and such as must be refused."""

import hmac
import json
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from partners.domain import keys
from partners.domain.keys import Signer
from partners.models import SigningKey
from revocations.actions.trials import add_trial_manifest, add_trial_order
from revocations.domain import cohorts, wire
from revocations.domain.cohorts import AgreementEnd
from revocations.domain.wire import StreamClaims
from revocations.models import Cohort, ManifestShard, Order, StreamEvent, Trial, TrialOrder
from tools.conformance.report import DownstreamParty, Target

REQUIRED = ("stop_use", "delete_held", "notify_downstream")
COMPLETE_WITHIN = timedelta(days=10)
LARGE = 1_200_000
ANY_SCOPE = "location-retrieval:read"
SHARD = 2


@dataclass(frozen=True)
class MintedEvent:
    """One event: its claims, and its `jti`."""

    jti: str
    claims: Mapping[str, object]


@dataclass(frozen=True)
class MintedCohort(MintedEvent):
    """And where its list is."""

    manifest_id: uuid.UUID


class Mint:
    """Makes the events of one trial and writes down each order before it goes out."""

    def __init__(self, *, trial: Trial, target: Target) -> None:
        self._trial = trial
        self._target = target
        self._agreement = f"{settings.BASE_URL}/agreements/trial.{trial.pk.hex}"
        self.signer = keys.signer(use=SigningKey.Use.ORDER, algorithm=target.algorithm)

    @staticmethod
    def sub() -> str:
        """Return a name like any other, but of key version 0: no line has one."""
        return f"k0.{urlsafe_b64encode(secrets.token_bytes(18)).decode()}"

    def order(
        self,
        *,
        at: datetime,
        sub: str = "",
        version: int = 1,
        required: Sequence[str] = REQUIRED,
        state: Sequence[Mapping[str, object]] = (),
        below: TrialOrder.Below = TrialOrder.Below.AS_EVER,
        agreement: str = "",
    ) -> MintedEvent:
        """Return a consent-change that withdraws what every company below had, but for what `state` names.

        `agreement`: a second one of the trial's, by a name of its own.
        """
        minute = wire.minute(at=at)
        order = Order(
            jti=uuid.uuid4().hex,
            txn=f"tx-{uuid.uuid4().hex}",
            record_id=uuid.uuid4(),
            snapshot={
                "event_timestamp": int(minute.timestamp()),
                "initiating_entity": "user",
                "agreement": self._agreement + agreement,
                "epoch": 1,
                "version": version,
                "snapshot": True,
                "changes": [self._withdrawn(below) for below in self._target.below] if required else [],
                "state": list(state),
                "default": "denied",
                "required_actions": list(required),
                "duties": [{"action": one, "scope": {"all": True}, "since": wire.stamp(at=at)} for one in required],
                **self._deadlines(at, required),
            },
        )
        add_trial_order(
            trial=self._trial, jti=order.jti, epoch=1, version=version, required_actions=required, below=below, at=at
        )
        claims = wire.order_claims(order=order, audience=self._target.party.uri, sub=sub or self.sub())
        return MintedEvent(order.jti, claims)

    def build_granted_entry(self, place: int = 0) -> dict[str, object]:
        """An entry of `state`; each place another company below or, where there are not so many, another purpose."""
        known = self._target.below or (DownstreamParty(self._target.party.uri, "dpv:ServiceProvision", ANY_SCOPE),)
        below = known[min(place, len(known) - 1)]
        purpose = below.purpose if place < len(known) else "dpv:CustomerCare"
        return {"scopes": [below.scope], "purpose": purpose, "recipient": below.recipient, "status": "granted"}

    def part(self, *, agreement: str) -> AgreementEnd:
        """End what `build_granted_entry(0)` allows; `build_granted_entry(1)` goes on under the same agreement."""
        whole, ended, other = self._agreement + agreement, self.build_granted_entry(0), self.build_granted_entry(1)
        goes_on = {name: other[name] for name in ("recipient", "purpose", "scopes")}
        part = {name: str(ended[name]) for name in ("purpose", "recipient")}
        return AgreementEnd(whole, f"{settings.BASE_URL}/campaigns/trial.{self._trial.pk.hex}", part, [goes_on])

    def stream_event(self, kind: StreamEvent.Kind, event: Mapping[str, object], *, at: datetime) -> MintedEvent:
        """Return a verification or stream-updated."""
        return self._event(kind, {"format": "opaque", "id": str(self._trial.pk)}, event, at)

    def evidence(self, *, at: datetime) -> MintedEvent:
        """Return a question for the proof of somebody who is not there."""
        event = {
            "agreement": self._agreement,
            "recipient": self.build_granted_entry()["recipient"],
            "respond_by": wire.stamp(at=at + COMPLETE_WITHIN),
        }
        minted = self._event(StreamEvent.Kind.EVIDENCE, wire.pairwise_subject(sub=self.sub()), event, at)
        add_trial_order(trial=self._trial, jti=minted.jti, epoch=0, version=0, required_actions=[], at=at)
        return minted

    def cohort(
        self, *, subs: Sequence[str], at: datetime, spoiled: bool = False, ended: AgreementEnd | None = None
    ) -> MintedCohort:
        """Return the end of the trial's agreement for these names, the list served like a real one.

        `spoiled`: the event names another index than the one that is served. `ended`: what ended, if not all of it.
        """
        manifest_id = uuid.uuid4()
        cohort = Cohort(
            pk=manifest_id, of=Cohort.Of.CONTRACT, epoch=2, subject_count=len(subs), complete_by=at + COMPLETE_WITHIN
        )
        ended = ended or AgreementEnd(self._agreement, self._agreement, None)
        shards = self._shards(sorted(subs))
        list_sha256 = cohorts.list_digest(shards=shards)
        claims = cohorts.index_claims(
            cohort=cohort, ended=ended, shards=shards, audience=self._target.party.uri, list_sha256=list_sha256, at=at
        )
        index = keys.sign(use=SigningKey.Use.MANIFEST, claims=claims)
        parts = [index.encode(), *(bytes(shard.content) for shard in shards)]
        add_trial_manifest(trial=self._trial, manifest_id=manifest_id, parts=parts)
        named = f"{index}." if spoiled else index
        body = cohorts.event_body(cohort=cohort, ended=ended, index_token=named, shards=len(shards), by="admin", at=at)
        minted = self._event(StreamEvent.Kind.COHORT, cohorts.subject(ended=ended), body, at)
        add_trial_order(
            trial=self._trial, jti=minted.jti, epoch=2, version=0, required_actions=list(cohorts.ACTIONS), at=at,
            subject_count=len(subs), list_sha256=list_sha256,
        )  # fmt: skip
        return MintedCohort(minted.jti, minted.claims, manifest_id)

    def forge_token(self, minted: MintedEvent) -> str:
        """Signed by a key of nobody's, under the name of ours."""
        algorithm = self.signer.algorithm
        key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)
        header = {"typ": self.signer.use, "alg": algorithm, "kid": self.signer.kid}
        return jws.serialize_compact(header, json.dumps(minted.claims).encode(), key, algorithms=[algorithm])

    def unknown_key(self, minted: MintedEvent) -> str:
        """Return the same by a key that says its own name, which is not published."""
        key = ECKey.generate_key("P-256")
        header = {"typ": self.signer.use, "alg": "ES256", "kid": key.thumbprint()}
        return jws.serialize_compact(header, json.dumps(minted.claims).encode(), key)

    def without_typ(self, minted: MintedEvent) -> str:
        """Signed by us, and fit for any use."""
        return _compact({"alg": self.signer.algorithm, "kid": self.signer.kid}, minted.claims, self.signer)

    def build_unsigned_token(self, minted: MintedEvent) -> str:
        """`alg` none."""
        header = {"typ": self.signer.use, "alg": "none", "kid": self.signer.kid}
        return f"{_encode_part(header)}.{_encode_part(minted.claims)}."

    def by_public_key(self, minted: MintedEvent) -> str:
        """HS256 with our public key as the secret: signed by anybody, and good to who lets the token choose."""
        jwk = SigningKey.objects.values_list("public_jwk", flat=True).get(kid=self.signer.kid)
        key = ECKey.import_key(jwk) if self.signer.algorithm == "ES256" else RSAKey.import_key(jwk)
        header = {"typ": self.signer.use, "alg": "HS256", "kid": self.signer.kid}
        message = f"{_encode_part(header)}.{_encode_part(minted.claims)}"
        return f"{message}.{_encode_base64url(hmac.digest(key.as_pem(private=False), message.encode(), 'sha256'))}"

    def two_events(self, minted: MintedEvent) -> str:
        """Return a good order with a verification beside it."""
        events = minted.claims["events"]
        both = {**events, f"{wire.SSF}{StreamEvent.Kind.VERIFICATION}": {}} if isinstance(events, dict) else {}
        return self.signer.sign({**minted.claims, "events": both})

    def unknown_event(self, minted: MintedEvent) -> str:
        """Return an event of ours that there is not."""
        return self.signer.sign({**minted.claims, "events": {wire.event_type("trial-of-types"): {}}})

    def large(self, minted: MintedEvent) -> str:
        """Longer than anything we ever send."""
        return self.signer.sign({**minted.claims, "padding": "x" * LARGE})

    def _event(
        self, kind: StreamEvent.Kind, sub_id: Mapping[str, object], event: Mapping[str, object], at: datetime
    ) -> MintedEvent:
        row = StreamEvent(
            kind=kind,
            jti=uuid.uuid4().hex,
            claims=StreamClaims(txn=f"tx-{uuid.uuid4().hex}", sub_id=sub_id, event=event).as_json(),
            queued_at=at,
        )
        return MintedEvent(row.jti, wire.stream_event_claims(event=row, audience=self._target.party.uri))

    @staticmethod
    def _shards(subs: Sequence[str]) -> list[ManifestShard]:
        parts = [subs[start : start + SHARD] for start in range(0, len(subs), SHARD)]
        contents = [cohorts.pack_shard(subs=part) for part in parts]
        return [
            ManifestShard(number=number, lines=len(part), sha256=cohorts.digest(content=content), content=content)
            for number, (part, content) in enumerate(zip(parts, contents, strict=True), start=1)
        ]

    @staticmethod
    def _withdrawn(below: DownstreamParty) -> dict[str, object]:
        return {
            "scopes": [below.scope], "purpose": below.purpose, "recipient": below.recipient,
            "from": "granted", "to": "withdrawn",
        }  # fmt: skip

    @staticmethod
    def _deadlines(at: datetime, required: Sequence[str]) -> dict[str, str]:
        if not required:
            return {}
        stop_by, complete_by = at + cohorts.STOP_USE_WITHIN, at + COMPLETE_WITHIN
        return {"stop_by": wire.stamp(at=stop_by), "complete_by": wire.stamp(at=complete_by)}


def _compact(header: Mapping[str, object], claims: Mapping[str, object], signer: Signer) -> str:
    message = f"{_encode_part(header)}.{_encode_part(claims)}"
    return f"{message}.{_encode_base64url(signer.key.sign(message.encode()))}"


def _encode_part(part: Mapping[str, object]) -> str:
    return _encode_base64url(json.dumps(dict(part)).encode())


def _encode_base64url(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()
