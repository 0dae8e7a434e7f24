"""An agreement ended for everybody on a list."""

import gzip
from datetime import UTC, datetime

from tests.sandbox.carrier import ROADSIDE, STOP_ALL, Carrier, digest, granted
from tests.sandbox.process import DOWNSTREAM, URI, Partner, until

SUBS = [f"k1.{n:024}" for n in range(5)]
OTHER = "k1.somebody-else"


def push(partner: Partner, claims: dict[str, object]) -> None:
    answer = partner.push(partner.carrier.sign(claims))
    assert (answer.status_code, answer.content) == (202, b"")


def settled(partner: Partner, n: int = 0) -> dict[str, object]:
    until(lambda: len(partner.get("/cohorts")) > n and partner.get("/cohorts")[n]["state"] != "owed")
    return dict(partner.get("/cohorts")[n])


def test_it_denies_deletes_and_signs_once_with_counts(partner: Partner, carrier: Carrier) -> None:
    before = datetime.now(UTC)
    for sub in (*SUBS[:2], OTHER):
        partner.order(sub=sub, state=[granted()], required=[])
    claims = carrier.cohort(URI, SUBS)
    push(partner, claims)
    assert settled(partner) | {"at": ""} == {
        "jti": claims["jti"], "at": "", "agreement": f"{carrier.base_url}/agreements/AGR-1", "epoch": 2,
        "scope": {"all": True}, "subject_count": 5, "state": "done", "note": "", "acted_on": 5, "deleted": 24,
    }  # fmt: skip
    event = partner.receipt_of(str(claims["jti"]))
    whole = "".join(f'{{"sub":"{sub}"}}\n' for sub in SUBS).encode()
    assert {name: event[name] for name in ("status", "applied", "acted_on", "list_sha256")} == {
        "status": "completed",
        "applied": {"epoch": 2, "version": 0},
        "acted_on": 5,
        "list_sha256": digest(whole),
    }
    assert [(one["action"], one["status"], one.get("records")) for one in event["actions"]] == [
        ("stop_use", "completed", None), ("delete_held", "completed", 24), ("notify_downstream", "completed", None),
    ]  # fmt: skip
    assert all(before <= datetime.fromisoformat(one["at"]) <= datetime.now(UTC) for one in event["actions"])
    assert [one["recipient"] for one in event["downstream"]] == [*DOWNSTREAM]
    below = partner.opened(event["downstream"][0]["receipt"], keys="/downstream/lbs-a.example/jwks.json")
    assert below["events"][carrier.receipt]["root"] == {"iss": carrier.base_url, "jti": claims["jti"]}
    states = {one["sub"]: (one["epoch"], one["version"], one["allowed"], one["held"]) for one in partner.get("/state")}
    assert states == {**{sub: (2, 0, [], 0) for sub in SUBS}, OTHER: (1, 1, [], 12)}
    # It fetched the index and three shards, once each, by tokens that may read.
    fetched = [one for one in carrier.asked if one.path.startswith("/ssf/manifests/")]
    assert [one.path.rpartition("/")[2] for one in fetched] == ["0", "1", "2", "3"]
    assert {carrier.scope_of(one.bearer) for one in fetched} == {"ssf.read"}


def test_what_comes_late_is_ignored_and_what_is_newer_counts(partner: Partner, carrier: Carrier) -> None:
    push(partner, carrier.cohort(URI, SUBS[:1]))
    settled(partner)
    partner.order(sub=SUBS[0], epoch=1, version=9, state=[granted()], required=[])
    assert partner.standing(SUBS[0])["allowed"] == []
    partner.order(sub=SUBS[0], epoch=2, version=1, state=[granted()], required=[])
    assert len(partner.standing(SUBS[0])["allowed"]) == 1


def test_use_stops_with_the_202_though_the_list_cannot_be_had_yet(partner: Partner, carrier: Carrier) -> None:
    partner.order(sub=SUBS[0], state=[granted()], required=[])
    claims = carrier.cohort(URI, SUBS[:1])
    documents, carrier.documents = carrier.documents, {}
    push(partner, claims)
    standing = partner.standing(SUBS[0])
    assert (standing["allowed"], standing["in_use"], standing["held"]) == ([], 0, 12)
    until(lambda: partner.get("/cohorts")[0]["note"] == "the manifest answers 404")
    assert carrier.handed == []
    carrier.documents = documents
    assert settled(partner)["state"] == "done"
    assert partner.standing(SUBS[0])["held"] == 0


def test_a_part_of_an_agreement_leaves_the_rest(partner: Partner, carrier: Carrier) -> None:
    kept = granted("https://lbs-b.example", ROADSIDE)
    partner.order(sub=SUBS[0], state=[granted(), kept], required=[])
    push(
        partner,
        carrier.cohort(URI, SUBS[:1], scope={"purpose": granted()["purpose"], "recipient": "https://lbs-a.example"}),
    )
    settled(partner)
    standing = partner.standing(SUBS[0])
    assert (standing["state"], standing["held"], standing["in_use"]) == ([kept], 12, 12)


def test_a_newer_order_that_came_first_keeps_what_it_allows_and_no_more(partner: Partner, carrier: Carrier) -> None:
    kept = granted("https://lbs-b.example", ROADSIDE)
    partner.order(sub=SUBS[0], state=[granted(), kept], required=[])
    partner.order(sub=SUBS[0], epoch=2, version=1, state=[kept], required=[])
    claims = carrier.cohort(URI, SUBS[:1])
    push(partner, claims)
    assert settled(partner)["deleted"] == 12
    standing = partner.standing(SUBS[0])
    assert (standing["epoch"], standing["version"], standing["state"]) == (2, 1, [kept])
    assert (standing["held"], standing["in_use"]) == (12, 12)


def test_the_same_again_changes_nothing(partner: Partner, carrier: Carrier) -> None:
    token = carrier.sign(carrier.cohort(URI, SUBS))
    assert [partner.push(token).status_code for _ in range(2)] == [202, 202]
    settled(partner)
    assert len(partner.get("/cohorts")) == len(partner.get("/receipts")) == 1


def test_an_end_that_comes_again_is_signed_again_and_leaves_newer_orders_alone(
    partner: Partner, carrier: Carrier
) -> None:
    push(partner, carrier.cohort(URI, SUBS))
    settled(partner)
    kept = granted("https://lbs-b.example", ROADSIDE)
    partner.order(sub=SUBS[0], epoch=2, version=3, state=[kept], required=[])
    again = carrier.cohort(URI, SUBS)
    push(partner, again)
    assert settled(partner, 1)["state"] == "done"
    assert partner.receipt_of(str(again["jti"]))["acted_on"] == 5
    standing = partner.standing(SUBS[0])
    assert (standing["epoch"], standing["version"], standing["state"]) == (2, 3, [kept])
    partner.order(sub=SUBS[0], epoch=2, version=2, state=[granted()], required=[])
    assert partner.standing(SUBS[0])["state"] == [kept]


def _spoiled(carrier: Carrier, what: str) -> dict[str, object]:
    claims = carrier.cohort(URI, SUBS)
    paths = sorted(path for path in carrier.documents if path.startswith("/ssf/manifests/"))
    match what:
        case "shard":
            carrier.documents[paths[1]] = gzip.compress(b'{"sub":"k1.victim"}\n')
        case "index":
            carrier.documents[paths[0]] = carrier.documents[paths[0]] + b"\n"
        case "typ":
            other = carrier.cohort(URI, SUBS, epoch=2)
            token = carrier.sign({"iss": carrier.base_url}, typ="secevent+jwt").encode()
            event = next(iter(other["events"].values()))
            carrier.documents[f"{event['manifest']['url'].removeprefix(carrier.base_url)}/0"] = token
            event["manifest"]["sha-256"] = digest(token)
            return other
        case "epoch":
            next(iter(claims["events"].values()))["epoch"] = 3
        case "count":
            next(iter(claims["events"].values()))["subject_count"] = 6
        case "host":
            next(iter(claims["events"].values()))["manifest"]["url"] = "https://elsewhere.example/ssf/manifests/1"
    return claims


def test_a_manifest_that_does_not_match_is_refused(partner: Partner, carrier: Carrier) -> None:
    for n, (what, note) in enumerate((
        ("shard", "shard 1 is not the one that the index lists"),
        ("index", "the index is not the one that the event names"),
        ("typ", "typ is not whereabouts-manifest+jwt."),
        ("epoch", "epoch of the index is not the event's"),
        ("count", "subject_count of the index is not the event's"),
        ("host", "the manifest is not on the transmitter's own host"),
    )):  # fmt: skip
        carrier.documents.clear()
        claims = _spoiled(carrier, what)
        push(partner, claims)
        found = settled(partner, n)
        assert (found["state"], found["note"], found["acted_on"]) == ("refused", note, 0)
        event = partner.receipt_of(str(claims["jti"]))
        assert (event["status"], event["reason"]) == ("rejected", f"manifest_mismatch: {note}")
        assert partner.get("/state") == []


def test_one_company_is_left_out_when_told_to(partner: Partner, carrier: Carrier) -> None:
    partner.fault("partial")
    claims = carrier.cohort(URI, SUBS)
    push(partner, claims)
    assert [one["recipient"] for one in partner.receipt_of(str(claims["jti"]))["downstream"]] == [*DOWNSTREAM[:-1]]


def test_an_action_it_does_not_know_is_refused(partner: Partner, carrier: Carrier) -> None:
    claims = carrier.cohort(URI, SUBS, required=[*STOP_ALL, "shred_paper"])
    push(partner, claims)
    event = partner.receipt_of(str(claims["jti"]))
    assert (event["status"], event["reason"]) == ("rejected", "unknown_action")
