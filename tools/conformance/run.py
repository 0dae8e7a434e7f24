"""One trial from its first event to its last receipt."""

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from accounts.primitives.json_reader import Unreadable, read_json
from partners.clients import http
from partners.workers.rotation import publish_trial_key, retire_trial_key
from revocations.actions.trials import begin_trial, end_trial
from revocations.models import StreamEvent, TrialOrder
from tools.conformance.minting import REQUIRED, Mint, MintedCohort, MintedEvent
from tools.conformance.report import CASES, Finding, Report, Target, Verdict, Wait
from tools.conformance.signed import ReceiptReview, SentEvents, fetched_parts

ACTOR = "system:check_partner"
SECEVENT = "application/secevent+jwt"
CODES = {
    "invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied",
    "invalid_state",
}  # fmt: skip
NO_ENTRY = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# A second agreement of the trial's, beside the one that ends whole.
PART = ".part"
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
    answer_s: float = http.SECONDS
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
    refusals: list[http.Reply] = field(default_factory=list)
    silent: bool = False
    sent: SentEvents = field(default_factory=SentEvents)

    def __post_init__(self) -> None:
        """Begin: from here on, receipts are known."""
        self.row = begin_trial(party=self.target.party, actor=ACTOR, at=self.clock())
        self.mint = Mint(trial=self.row, target=self.target)
        self.signed = ReceiptReview(self.row, self.target, self.sent, self.limits.receipts, self._find)

    def run(self) -> Report:
        """Send everything, wait for what comes back, and keep the report."""
        self._push_all()
        if not self.silent:
            self._look_at_receipts()
        self._look_at_answers()
        missing = "not tried: the end does not answer"
        findings = [self.findings.get(name, Finding(case, Verdict.UNKNOWN, missing)) for name, case in CASES.items()]
        report = Report(self.target.party.name, self.target.url, findings)
        end_trial(trial=self.row, report=report.as_json(), actor=ACTOR, at=self.clock())
        return report

    def _push_all(self) -> None:
        self._verification()
        if self.silent:
            return
        for step in (
            self._orders, self._evidence, self._rotated_key, self._refusals, self._unknown_words,
            self._check_large_event, self._check_unregistered_company, self._cohorts, self._part,
            self._authorization, self._error_form, self._look_at_refusals,
        ):  # fmt: skip
            step()

    # What must be taken

    def _verification(self) -> None:
        minted = self.mint.stream_event(StreamEvent.Kind.VERIFICATION, {"state": "trial"}, at=self.clock())
        reply = self._push(minted)
        self.silent = reply.status is None
        self._expect_acceptance("verification", reply)
        if not self.silent:
            updated = {"status": "enabled", "reason": "trial"}
            minted = self.mint.stream_event(StreamEvent.Kind.STREAM_UPDATED, updated, at=self.clock())
            self._expect_acceptance("stream-updated", self._push(minted))

    def _orders(self) -> None:
        good = self.mint.order(at=self.clock())
        if self._expect_acceptance("good-order", self._push(good)):
            self.sent.taken["good-order"] = good
        empty = self.mint.order(at=self.clock(), state=[])
        if self._expect_acceptance("empty-state", self._push(empty)):
            self.sent.taken["empty-state"] = empty
        self._expect_acceptance("repeated", self._push(good))
        sub = self.mint.sub()
        newer = self.mint.order(at=self.clock(), sub=sub, version=3)
        older = self.mint.order(at=self.clock(), sub=sub, version=2, state=[self.mint.build_granted_entry()])
        replies = [self._push(newer), self._push(older)]
        if self._expect_acceptance("reordered", next((one for one in replies if not _well(one)), replies[1])):
            self.sent.taken["reordered"] = newer
            self.sent.reordered = newer, older

    def _evidence(self) -> None:
        asked = self.mint.evidence(at=self.clock())
        if self._expect_acceptance("evidence", self._push(asked)):
            self.sent.asked = asked

    def _rotated_key(self) -> None:
        minted = self.mint.order(at=self.clock())
        signer = publish_trial_key(algorithm=self.target.algorithm, at=self.clock())
        try:
            token, replies = signer.sign(minted.claims), list[http.Reply]()

            def is_key_found() -> bool:
                replies.append(self._send(token))
                # A receiver need not fetch for every kid it does not know: it may take a while.
                return _refusal(replies[-1]) != "invalid_key"

            self.limits.again(is_key_found)
        finally:
            retire_trial_key(kid=signer.kid, at=self.clock())
        if self._expect_acceptance("rotated-key", replies[-1]):
            self.sent.taken["rotated-key"] = minted

    def _unknown_words(self) -> None:
        strange = {**self.mint.build_granted_entry(), "purpose": "dpv:TrialOfWords", "scopes": ["trial:read"]}
        minted = self.mint.order(at=self.clock(), required=(*REQUIRED, "trial_action"), state=[strange])
        if self._expect_acceptance("unknown-words", self._push(minted)):
            self.sent.unfit["unknown-words"] = minted

    def _check_unregistered_company(self) -> None:
        """Refuse the first receipt that a company below signed, as if we did not know that company's key."""
        minted = self.mint.order(at=self.clock(), below=TrialOrder.Below.REFUSE)
        if self._expect_acceptance("unregistered-below", self._push(minted)):
            self.sent.unregistered = minted

    # What must be refused

    def _authorization(self) -> None:
        """By another header than the one that was given to us, and by none."""
        if not self.target.authorization:
            self._find("authorization", Verdict.UNKNOWN, "no authorization_header was given to us")
            return
        token = self.mint.signer.sign(
            self.mint.stream_event(StreamEvent.Kind.VERIFICATION, {"state": "header"}, at=self.clock()).claims
        )
        replies = [self._send(token, headers={"Authorization": f"{self.target.authorization}x"})]
        replies.append(self._send(token, headers={}))
        fine = [one.status in NO_ENTRY or _refusal(one) == "authentication_failed" for one in replies]
        seen = f"another header: {_describe_reply(replies[0])}; none: {_describe_reply(replies[1])}"
        self._find("authorization", Verdict.PASSED if all(fine) else Verdict.FAILED, seen)

    def _refusals(self) -> None:
        mint, order = self.mint, self.mint.order(at=self.clock())
        self._expect_refusal("wrong-key", mint.forge_token(order), {"invalid_key"})
        self._expect_refusal(
            "wrong-audience", mint.signer.sign({**order.claims, "aud": "https://another.example"}), {"invalid_audience"}
        )
        several = [self.target.party.uri, "https://another.example"]
        self._expect_refusal("audience-list", mint.signer.sign({**order.claims, "aud": several}), {"invalid_audience"})
        self._expect_refusal(
            "wrong-issuer", mint.signer.sign({**order.claims, "iss": "https://another.example"}), {"invalid_issuer"}
        )
        self._expect_refusal("typ-missing", mint.without_typ(order), {"invalid_request"})
        self._expect_refusal("alg-none", mint.build_unsigned_token(order), {"invalid_request", "invalid_key"})
        self._expect_refusal("hs256", mint.by_public_key(order), {"invalid_request", "invalid_key"})
        self._expect_refusal("two-events", mint.two_events(order), {"invalid_request"})
        self._expect_refusal("unknown-event", mint.unknown_event(order), {"invalid_request"})
        self._expect_refusal("sub-claim", mint.signer.sign({**order.claims, "sub": mint.sub()}), {"invalid_request"})
        soon = int(self.clock().timestamp()) + 3600
        self._expect_refusal("exp-claim", mint.signer.sign({**order.claims, "exp": soon}), {"invalid_request"})
        self._expect_refusal("unknown-key", mint.unknown_key(order), {"invalid_key"})

    def _check_large_event(self) -> None:
        reply = self._send(self.mint.large(self.mint.order(at=self.clock(), required=())))
        after = self._push(self.mint.stream_event(StreamEvent.Kind.VERIFICATION, {"state": "again"}, at=self.clock()))
        fine = reply.status is None or reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
        seen = f"{_describe_reply(reply)}; the next event: {_describe_reply(after)}"
        self._find("oversized", Verdict.PASSED if fine and _well(after) else Verdict.FAILED, seen)

    def _error_form(self) -> None:
        reply = self._send("this is no token")
        wrong = [one for one in (reply, *self.refusals) if not _in_form(one)]
        self._find(
            "error-form", Verdict.FAILED if wrong else Verdict.PASSED, _describe_reply(wrong[0] if wrong else reply)
        )

    def _look_at_refusals(self) -> None:
        """Check the head of every refusal against RFC 8935 (2.3)."""
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
            self._push(self.mint.order(at=self.clock(), sub=sub, required=(), state=[self.mint.build_granted_entry()]))
        cohort = self.mint.cohort(subs=[*known, unheard], at=self.clock())
        spoiled = self.mint.cohort(subs=[self.mint.sub()], at=self.clock(), spoiled=True)
        if self._cohort_taken("cohort", cohort):
            self.sent.cohort = cohort
            late = self.mint.order(at=self.clock(), sub=known[0], version=9, state=[self.mint.build_granted_entry()])
            if self._expect_acceptance("late-order", self._push(late)):
                self.sent.late = late
        if self._expect_acceptance("spoiled-cohort", self._push(spoiled)):
            self.sent.unfit["spoiled-cohort"] = spoiled

    def _part(self) -> None:
        """End one use of an agreement whose other use goes on."""
        granted, ended = [self.mint.build_granted_entry(place) for place in range(2)], self.mint.part(agreement=PART)
        sub = self.mint.sub()
        self._push(self.mint.order(at=self.clock(), sub=sub, required=(), state=granted, agreement=PART))
        cohort = self.mint.cohort(subs=[sub], ended=ended, at=self.clock())
        if self._cohort_taken("part-cohort", cohort):
            going_on = {str(one["recipient"]) for one in ended.still_in_force} - {*(ended.part or {}).values()}
            self.sent.part = cohort, frozenset(going_on)

    def _cohort_taken(self, name: str, cohort: MintedCohort) -> bool:
        """Tell whether it was taken, after waiting for its list and for the receipt that says the list is kept."""
        if not self._expect_acceptance(name, self._push(cohort)):
            return False

        def is_fetched() -> bool:
            came, parts = fetched_parts(manifest_id=cohort.manifest_id)
            return came == parts

        self.limits.wait(is_fetched)
        if not is_fetched():
            came, parts = fetched_parts(manifest_id=cohort.manifest_id)
            self._find(name, Verdict.FAILED, f"202; {came} of {parts} parts of the list were fetched")
        elif self.limits.receipts:
            self.limits.wait(lambda: self.signed.is_completed(cohort))
        return True

    # What is signed

    def _look_at_receipts(self) -> None:
        if self.limits.receipts:
            self.say("waiting for receipts")
            self.limits.wait(self.signed.all_came)
        self.signed.judge()

    def _look_at_answers(self) -> None:
        if self.slowest > self.limits.answer_s:
            self._find("answer-time", Verdict.FAILED, f"no answer within {self.limits.answer_s:g} s")
        elif not self.silent:
            self._find("answer-time", Verdict.PASSED, f"the slowest answer took {self.slowest:.1f} s")
        if not self.silent:
            seen = "an answer was a redirect" if self.redirected else "none"
            self._find("no-redirects", Verdict.FAILED if self.redirected else Verdict.PASSED, seen)

    # Sending

    def _push(self, minted: MintedEvent) -> http.Reply:
        return self._send(self.mint.signer.sign(minted.claims))

    def _send(self, token: str, *, headers: Mapping[str, str] | None = None) -> http.Reply:
        began = time.monotonic()
        reply = http.post(
            url=self.target.url,
            body=token.encode(),
            content_type=SECEVENT,
            headers=self.target.headers if headers is None else headers,
            seconds=self.limits.answer_s + SLACK_S,
        )
        took = time.monotonic() - began
        if reply.status is not None or reply.slow:
            self.slowest = max(self.slowest, took)
        if reply.status == HTTPStatus.BAD_REQUEST:
            self.refusals.append(reply)
        self.redirected |= reply.status is not None and 300 <= reply.status < 400
        return reply

    def _expect_acceptance(self, name: str, reply: http.Reply) -> bool:
        fine = _well(reply)
        self._find(name, Verdict.PASSED if fine else Verdict.FAILED, _describe_reply(reply))
        return fine

    def _expect_refusal(self, name: str, token: str, codes: set[str]) -> None:
        reply = self._send(token)
        fine = reply.status == HTTPStatus.BAD_REQUEST and _refusal(reply) in codes
        self._find(name, Verdict.PASSED if fine else Verdict.FAILED, _describe_reply(reply))

    def _find(self, name: str, verdict: Verdict, seen: str) -> None:
        self.findings[name] = Finding(CASES[name], verdict, seen)
        self.say(f"{name}: {seen}")


def _well(reply: http.Reply) -> bool:
    return reply.status == HTTPStatus.ACCEPTED and not reply.body


def _in_form(reply: http.Reply) -> bool:
    said = _body(reply)
    coded = said.get("err") in CODES and isinstance(said.get("description"), str)
    return reply.status == HTTPStatus.BAD_REQUEST and coded


def _body(reply: http.Reply) -> Mapping[str, object]:
    try:
        said = read_json(reply.body)
    except Unreadable:
        return {}
    return said if isinstance(said, dict) else {}


def _refusal(reply: http.Reply) -> str:
    err = _body(reply).get("err")
    return err if isinstance(err, str) else ""


def _describe_reply(reply: http.Reply) -> str:
    """Return what came back, in words. A stranger's text is cut short."""
    if reply.status is None:
        return reply.detail or "no answer"
    err = http.readable(_refusal(reply), length=40)
    body = " with a body" if reply.body and not err else ""
    return f"{reply.status}{f' {err}' if err else body}"
