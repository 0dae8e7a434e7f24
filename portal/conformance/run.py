"""One trial from its first event to its last receipt."""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from accounts.json_reader import Unreadable, read_json
from partners import client
from partners.actions import publish_trial_key, retire_trial_key
from portal.conformance.cases import CASES
from portal.conformance.minting import REQUIRED, Mint, Minted, MintedCohort
from portal.conformance.report import Finding, Report, Verdict
from portal.conformance.target import Target
from portal.conformance.waiting import Wait
from revocations import actions, queries
from revocations.models import StreamEvent, TrialReceipt

ACTOR = "system:check_partner"
SECEVENT = "application/secevent+jwt"
CODES = {
    "invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied",
    "invalid_state",
}  # fmt: skip
CANNOT_BE_SEEN = "cannot be seen from here"
# Tags as RFC 9110 (8.5) has them in the head of an answer.
LANGUAGES = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*( *, *[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)*")
# Room for the answer of a server that is only just in time.
SLACK_S = 0.5


@dataclass(frozen=True)
class Limits:
    """`answer_s`: how long an answer may take. `wait`: for receipts. `again`: for a key to be looked for.

    `receipts`: whether any are to be waited for.
    """

    wait: Wait
    again: Wait
    answer_s: float = client.SECONDS
    receipts: bool = True


@dataclass
class Trial:
    """The trial of one target, while it runs. `clock` tells the time, `say` hears how far it is."""

    target: Target
    limits: Limits
    clock: Callable[[], datetime]
    say: Callable[[str], None] = lambda _: None
    findings: dict[str, Finding] = field(default_factory=dict)
    slowest: float = 0.0
    redirected: bool = False
    refusals: list[client.Reply] = field(default_factory=list)
    silent: bool = False
    taken: dict[str, Minted] = field(default_factory=dict)
    reordered: tuple[Minted, Minted] | None = None
    late: Minted | None = None
    unfit: dict[str, Minted] = field(default_factory=dict)
    cohort: MintedCohort | None = None
    asked: Minted | None = None

    def __post_init__(self) -> None:
        """Begin: from here on, receipts are known."""
        self.row = actions.begin_trial(party=self.target.party, actor=ACTOR, at=self.clock())
        self.mint = Mint(trial=self.row, target=self.target)

    def run(self) -> Report:
        """Send everything, wait for what comes back, and keep the report."""
        self._push_all()
        if not self.silent:
            self._look_at_receipts()
        self._look_at_answers()
        missing = "not tried: the end does not answer"
        findings = [self.findings.get(name, Finding(case, Verdict.UNKNOWN, missing)) for name, case in CASES.items()]
        report = Report(self.target.party.name, self.target.url, findings)
        actions.end_trial(trial=self.row, report=report.as_json(), actor=ACTOR, at=self.clock())
        return report

    def _push_all(self) -> None:
        self._verification()
        if self.silent:
            return
        for step in (
            self._orders, self._evidence, self._rotated_key, self._refusals, self._unknown_words, self._oversized,
            self._cohorts, self._error_form, self._look_at_refusals,
        ):  # fmt: skip
            step()

    # What must be taken

    def _verification(self) -> None:
        minted = self.mint.stream_event(StreamEvent.Kind.VERIFICATION, {"state": "trial"}, at=self.clock())
        reply = self._push(minted)
        self.silent = reply.status is None
        self._taken("verification", reply)
        if not self.silent:
            updated = {"status": "enabled", "reason": "trial"}
            minted = self.mint.stream_event(StreamEvent.Kind.STREAM_UPDATED, updated, at=self.clock())
            self._taken("stream-updated", self._push(minted))

    def _orders(self) -> None:
        good = self.mint.order(at=self.clock())
        if self._taken("good-order", self._push(good)):
            self.taken["good-order"] = good
        empty = self.mint.order(at=self.clock(), state=[])
        if self._taken("empty-state", self._push(empty)):
            self.taken["empty-state"] = empty
        self._taken("repeated", self._push(good))
        sub = self.mint.sub()
        newer = self.mint.order(at=self.clock(), sub=sub, version=3)
        older = self.mint.order(at=self.clock(), sub=sub, version=2, state=[self.mint.granted()])
        replies = [self._push(newer), self._push(older)]
        if self._taken("reordered", next((one for one in replies if not _well(one)), replies[1])):
            self.taken["reordered"] = newer
            self.reordered = newer, older

    def _evidence(self) -> None:
        asked = self.mint.evidence(at=self.clock())
        if self._taken("evidence", self._push(asked)):
            self.asked = asked

    def _rotated_key(self) -> None:
        minted = self.mint.order(at=self.clock())
        signer = publish_trial_key(algorithm=self.target.algorithm, at=self.clock())
        try:
            token, replies = signer.sign(minted.claims), list[client.Reply]()

            def found() -> bool:
                replies.append(self._send(token))
                # A receiver need not fetch for every kid it does not know: it may take a while.
                return _refusal(replies[-1]) != "invalid_key"

            self.limits.again(found)
        finally:
            retire_trial_key(kid=signer.kid, at=self.clock())
        if self._taken("rotated-key", replies[-1]):
            self.taken["rotated-key"] = minted

    def _unknown_words(self) -> None:
        strange = {**self.mint.granted(), "purpose": "dpv:TrialOfWords", "scopes": ["trial:read"]}
        minted = self.mint.order(at=self.clock(), required=(*REQUIRED, "trial_action"), state=[strange])
        if self._taken("unknown-words", self._push(minted)):
            self.unfit["unknown-words"] = minted

    # What must be refused

    def _refusals(self) -> None:
        mint, order = self.mint, self.mint.order(at=self.clock())
        self._refused("wrong-key", mint.forged(order), {"invalid_key"})
        self._refused(
            "wrong-audience", mint.signer.sign({**order.claims, "aud": "https://another.example"}), {"invalid_audience"}
        )
        several = [self.target.party.uri, "https://another.example"]
        self._refused("audience-list", mint.signer.sign({**order.claims, "aud": several}), {"invalid_audience"})
        self._refused(
            "wrong-issuer", mint.signer.sign({**order.claims, "iss": "https://another.example"}), {"invalid_issuer"}
        )
        self._refused("typ-missing", mint.without_typ(order), {"invalid_request"})
        self._refused("alg-none", mint.unsigned(order), {"invalid_request", "invalid_key"})
        self._refused("hs256", mint.by_public_key(order), {"invalid_request", "invalid_key"})
        self._refused("two-events", mint.two_events(order), {"invalid_request"})
        self._refused("unknown-event", mint.unknown_event(order), {"invalid_request"})
        self._refused("sub-claim", mint.signer.sign({**order.claims, "sub": mint.sub()}), {"invalid_request"})
        soon = int(self.clock().timestamp()) + 3600
        self._refused("exp-claim", mint.signer.sign({**order.claims, "exp": soon}), {"invalid_request"})
        self._refused("unknown-key", mint.unknown_key(order), {"invalid_key"})

    def _oversized(self) -> None:
        reply = self._send(self.mint.large(self.mint.order(at=self.clock(), required=())))
        after = self._push(self.mint.stream_event(StreamEvent.Kind.VERIFICATION, {"state": "again"}, at=self.clock()))
        fine = reply.status is None or reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
        seen = f"{_seen(reply)}; the next event: {_seen(after)}"
        self._find("oversized", Verdict.PASSED if fine and _well(after) else Verdict.FAILED, seen)

    def _error_form(self) -> None:
        reply = self._send("this is no token")
        wrong = [one for one in (reply, *self.refusals) if not _in_form(one)]
        self._find("error-form", Verdict.FAILED if wrong else Verdict.PASSED, _seen(wrong[0] if wrong else reply))

    def _look_at_refusals(self) -> None:
        """What RFC 8935 (2.3) says of the head of a refusal, of every one there was."""
        types = {one.content_type for one in self.refusals}
        languages = {one.content_language for one in self.refusals}
        self._find_all("error-type", types, lambda said: said.partition(";")[0].strip().lower() == "application/json")
        self._find_all("error-language", languages, lambda said: LANGUAGES.fullmatch(said) is not None)

    def _find_all(self, name: str, said: Collection[str], fine: Callable[[str], bool]) -> None:
        if not said:
            self._find(name, Verdict.UNKNOWN, "no answer was a 400")
            return
        verdict = Verdict.PASSED if all(map(fine, said)) else Verdict.FAILED
        self._find(name, verdict, "; ".join(sorted(one or "none" for one in said)))

    # The end of an agreement

    def _cohorts(self) -> None:
        known, unheard = [self.mint.sub() for _ in range(2)], self.mint.sub()
        for sub in known:
            self._push(self.mint.order(at=self.clock(), sub=sub, required=(), state=[self.mint.granted()]))
        cohort = self.mint.cohort(subs=[*known, unheard], at=self.clock())
        spoiled = self.mint.cohort(subs=[self.mint.sub()], at=self.clock(), spoiled=True)
        if self._taken("cohort", self._push(cohort)):
            self.cohort = cohort
            self.limits.wait(self._list_is_fetched)
            fetched, parts = queries.fetched_parts(manifest_id=cohort.manifest_id)
            if fetched < parts:
                self._find("cohort", Verdict.FAILED, f"202; {fetched} of {parts} parts of the list were fetched")
            elif self.limits.receipts:
                # That the list is fetched does not say that it is kept; its receipt does.
                self.limits.wait(lambda: self._completed(cohort))
            late = self.mint.order(at=self.clock(), sub=known[0], version=9, state=[self.mint.granted()])
            if self._taken("late-order", self._push(late)):
                self.late = late
        if self._taken("spoiled-cohort", self._push(spoiled)):
            self.unfit["spoiled-cohort"] = spoiled

    def _list_is_fetched(self) -> bool:
        fetched, parts = queries.fetched_parts(manifest_id=self.cohort.manifest_id) if self.cohort else (0, 0)
        return fetched == parts

    # What is signed

    def _look_at_receipts(self) -> None:
        wanted = {**self.taken, **({"cohort-receipt": self.cohort} if self.cohort else {})}
        if self.limits.receipts:
            self.say("waiting for receipts")
            self.limits.wait(lambda: all(self._completed(one) for one in wanted.values()) and self._unfit_answered())
        came = queries.trial_receipts(trial=self.row)
        self._judge_receipts(came)
        self._judge_repeats(came)
        self._judge_unfit(came)
        self._judge_downstream(came)
        self._judge_evidence(came)

    def _completed(self, minted: Minted) -> bool:
        return any(_valid(one) for one in queries.trial_receipts(trial=self.row).get(minted.jti, ()))

    def _unfit_answered(self) -> bool:
        came = queries.trial_receipts(trial=self.row)
        if self.asked is not None and self.asked.jti not in came:
            return False
        return all(minted.jti in came for minted in self.unfit.values())

    def _judge_receipts(self, came: Mapping[str, Sequence[TrialReceipt]]) -> None:
        if not self.limits.receipts:
            for name in ("receipts", "cohort-receipt"):
                self._find(name, Verdict.UNKNOWN, "not waited for")
            return
        lacking = [
            f"{name}: {_why_not(came.get(one.jti, ()))}" for name, one in self.taken.items() if not _any(came, one)
        ]
        if not self.taken:
            self._find("receipts", Verdict.UNKNOWN, "no order was taken")
        elif lacking:
            self._find("receipts", Verdict.FAILED, "; ".join(lacking))
        else:
            self._find("receipts", Verdict.PASSED, f"{len(self.taken)} of {len(self.taken)}")
        if self.cohort is None:
            self._find("cohort-receipt", Verdict.UNKNOWN, "no cohort was taken")
        elif _any(came, self.cohort):
            self._find("cohort-receipt", Verdict.PASSED, "completed, with its counts")
        else:
            self._find("cohort-receipt", Verdict.FAILED, _why_not(came.get(self.cohort.jti, ())))

    def _judge_repeats(self, came: Mapping[str, Sequence[TrialReceipt]]) -> None:
        good = self.taken.get("good-order")
        if good is not None and len({one.jti for one in came.get(good.jti, ())}) > 1:
            self._find("repeated", Verdict.FAILED, "202; and two receipts for one order")
        older = [("reordered", self.reordered[1])] if self.reordered else []
        older += [("late-order", self.late)] if self.late else []
        for name, minted in older:
            if any(one.status == "completed" for one in came.get(minted.jti, ())):
                self._find(name, Verdict.FAILED, "202; and it signed that it carried out the older order")
            elif not came:
                self._find(name, Verdict.UNKNOWN, f"202; whether it was ignored {CANNOT_BE_SEEN}")

    def _judge_unfit(self, came: Mapping[str, Sequence[TrialReceipt]]) -> None:
        for name, minted in self.unfit.items():
            statuses = [one.status or one.fault for one in came.get(minted.jti, ())]
            if not statuses:
                self._find(name, Verdict.UNKNOWN, f"202; whether it was denied {CANNOT_BE_SEEN}")
            elif all(status == "rejected" for status in statuses):
                self._find(name, Verdict.PASSED, "202; signed as rejected")
            else:
                self._find(name, Verdict.FAILED, f"202; signed: {client.readable(', '.join(statuses))}")

    def _judge_downstream(self, came: Mapping[str, Sequence[TrialReceipt]]) -> None:
        wanted = {below.recipient for below in self.target.below}
        receipts = [one for minted in self.taken.values() for one in came.get(minted.jti, ()) if _valid(one)]
        if not wanted or not receipts:
            why = "no receipt came" if wanted else "no company below is known to us"
            self._find("downstream", Verdict.UNKNOWN, f"{CANNOT_BE_SEEN}: {why}")
            return
        missing = {uri for one in receipts for uri in wanted - {*one.downstream}}
        if missing:
            self._find("downstream", Verdict.FAILED, f"not named: {', '.join(sorted(missing))}")
        else:
            signed = min(one.signed for one in receipts)
            self._find("downstream", Verdict.PASSED, f"all {len(wanted)} are named, {signed} signed themselves")

    def _judge_evidence(self, came: Mapping[str, Sequence[TrialReceipt]]) -> None:
        answers = [one.status for one in came.get(self.asked.jti, ())] if self.asked else []
        if answers:
            self._find("evidence", Verdict.PASSED, f"202; answered: {client.readable(answers[0])}")
        elif self.asked is not None and self.limits.receipts:
            self._find("evidence", Verdict.FAILED, "202; and no answer came")

    def _look_at_answers(self) -> None:
        if self.slowest > self.limits.answer_s:
            self._find("answer-time", Verdict.FAILED, f"no answer within {self.limits.answer_s:g} s")
        elif not self.silent:
            self._find("answer-time", Verdict.PASSED, f"the slowest answer took {self.slowest:.1f} s")
        if not self.silent:
            seen = "an answer was a redirect" if self.redirected else "none"
            self._find("no-redirects", Verdict.FAILED if self.redirected else Verdict.PASSED, seen)

    # Sending

    def _push(self, minted: Minted) -> client.Reply:
        return self._send(self.mint.signer.sign(minted.claims))

    def _send(self, token: str) -> client.Reply:
        began = time.monotonic()
        reply = client.post(
            url=self.target.url,
            body=token.encode(),
            content_type=SECEVENT,
            headers=self.target.headers,
            seconds=self.limits.answer_s + SLACK_S,
        )
        took = time.monotonic() - began
        if reply.status is not None or reply.slow:
            self.slowest = max(self.slowest, took)
        if reply.status == HTTPStatus.BAD_REQUEST:
            self.refusals.append(reply)
        self.redirected |= reply.status is not None and 300 <= reply.status < 400
        return reply

    def _taken(self, name: str, reply: client.Reply) -> bool:
        fine = _well(reply)
        self._find(name, Verdict.PASSED if fine else Verdict.FAILED, _seen(reply))
        return fine

    def _refused(self, name: str, token: str, codes: set[str]) -> None:
        reply = self._send(token)
        fine = reply.status == HTTPStatus.BAD_REQUEST and _refusal(reply) in codes
        self._find(name, Verdict.PASSED if fine else Verdict.FAILED, _seen(reply))

    def _find(self, name: str, verdict: Verdict, seen: str) -> None:
        self.findings[name] = Finding(CASES[name], verdict, seen)
        self.say(f"{name}: {seen}")


def _well(reply: client.Reply) -> bool:
    return reply.status == HTTPStatus.ACCEPTED and not reply.body


def _in_form(reply: client.Reply) -> bool:
    said = _body(reply)
    coded = said.get("err") in CODES and isinstance(said.get("description"), str)
    return reply.status == HTTPStatus.BAD_REQUEST and coded


def _valid(receipt: TrialReceipt) -> bool:
    return receipt.status == "completed" and not receipt.fault


def _any(came: Mapping[str, Sequence[TrialReceipt]], minted: Minted) -> bool:
    return any(_valid(one) for one in came.get(minted.jti, ()))


def _why_not(receipts: Sequence[TrialReceipt]) -> str:
    return client.readable(", ".join(one.fault or one.status for one in receipts)) or "none came"


def _body(reply: client.Reply) -> Mapping[str, object]:
    try:
        said = read_json(reply.body)
    except Unreadable:
        return {}
    return said if isinstance(said, dict) else {}


def _refusal(reply: client.Reply) -> str:
    err = _body(reply).get("err")
    return err if isinstance(err, str) else ""


def _seen(reply: client.Reply) -> str:
    """What came back, in words. A stranger's text is cut short."""
    if reply.status is None:
        return reply.detail or "no answer"
    err = client.readable(_refusal(reply), length=40)
    body = " with a body" if reply.body and not err else ""
    return f"{reply.status}{f' {err}' if err else body}"
