"""Carrier files for the demo, in the formats that a carrier would send: the same for the same seed and moment."""

import csv
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from tools.demo import world
from tools.demo.world import Agreement, Campaign, Denial, Event, Habit, Line, Party, Series
from tools.sandbox.identity import slug
from tools.sandbox.server import jwks_path

type Value = str | int | bool | list[str] | None
type Row = dict[str, Value]

PARTY_OF = {party.key: party for party in world.PARTIES}
CAMPAIGN_OF = {campaign.ref: campaign for campaign in world.CAMPAIGNS}
NEIGHBOURS = "DEMO-N"
OWN_WORDS = "{description}. {name} may ask your carrier where this phone is. Reply YES to agree."


def homes() -> dict[str, str]:
    """Return the aggregator under whose sandbox each company stands: the first that passes data on to it."""
    found = {key: key for key in world.CONTRACTS}
    for campaign in world.CAMPAIGNS:
        found.setdefault(campaign.provider, campaign.aggregator)
    for habit in world.HABITS:
        for key in (key for key in habit.then if key in PARTY_OF):
            found.setdefault(key, CAMPAIGN_OF[habit.campaign].aggregator)
    return found


def keys_of(party: Party, endpoints: Mapping[str, str]) -> str:
    """Return where a company publishes its keys in the demo: at the sandbox that plays it."""
    home = homes()[party.key]
    return endpoints[home] + ("/jwks.json" if home == party.key else jwks_path(slug(party.uri)))


@dataclass(frozen=True)
class Books:
    """Everything the carrier knows, before it is written to files."""

    lines: tuple[Line, ...]
    agreements: tuple[Agreement, ...]
    denials: tuple[Denial, ...]
    habits: tuple[Habit, ...]
    events: tuple[Event, ...]


class Feeds:
    """Writes the files of one demo. `at` is the moment of the demo; nothing is dated after it."""

    def __init__(self, *, seed: int, at: datetime, endpoints: dict[str, str]) -> None:
        self._random = Random(seed)
        self._at = at.replace(minute=0, second=0, microsecond=0)
        self._endpoints = endpoints
        self._books = self._with_neighbours()
        self._line = {line.line_id: line for line in self._books.lines}

    def write(self, folder: Path) -> None:
        """Write lines, parties, approvals, choices, disclosures and notices."""
        folder.mkdir(parents=True, exist_ok=True)
        self._write_lines(folder / "lines.csv")
        (folder / "parties.json").write_text(json.dumps(self._parties(), indent=1), encoding="utf-8")
        _ndjson(folder / "approvals.ndjson", (self._approval(agreement) for agreement in self._books.agreements))
        _ndjson(folder / "choices.ndjson", (self._choice(denial) for denial in self._books.denials))
        disclosures, notices = self._disclosures()
        _ndjson(folder / "disclosures.ndjson", disclosures)
        _ndjson(folder / "notices.ndjson", notices)

    def _with_neighbours(self) -> Books:
        lines, agreements, habits = list(world.LINES), list(world.AGREEMENTS), list(world.HABITS)
        denials = list(world.DENIALS)
        for number, name in enumerate(world.NEIGHBOURS):
            line_id, state = f"DEMO-{number + 101:04}", self._random.choice(world.NEIGHBOUR_STATES)
            msisdn = f"+1425555{number + 110:04}"
            lines.append(Line(line_id, msisdn, f"{NEIGHBOURS}{number:02}", name, "holder", since=700, state=state))
            for campaign in self._random.sample(world.CAMPAIGNS, 3):
                since = self._random.randrange(60, 400)
                claimed, agreed = self._one_in(5), not self._one_in(5)
                if agreed:
                    agreements.append(Agreement(line_id, campaign.ref, since=since, claimed=claimed))
                habits.append(Habit(line_id, campaign.ref, per_week=self._random.uniform(0.1, 1.0), since=since - 1))
            if self._one_in(3):
                denials.append(Denial(line_id, self._random.randrange(20, 300), "all", channel="phone"))
        return Books(tuple(lines), tuple(agreements), tuple(denials), tuple(habits), world.EVENTS)

    def _one_in(self, many: int) -> bool:
        return self._random.randrange(many) == 0

    def _ago(self, days: float) -> datetime:
        return self._at - timedelta(days=days)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _write_lines(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                ("line_id", "msisdn", "account_id", "holder_name", "user_role", "state", "language",
                 "activated_at", "deactivated_at")
            )  # fmt: skip
            for line in self._books.lines:
                ended = "" if line.until is None else _time(self._ago(line.until))
                writer.writerow(
                    (line.line_id, line.msisdn, line.account_id, line.holder_name, line.user_role, line.state,
                     line.language, _time(self._ago(line.since)), ended)
                )  # fmt: skip

    def _parties(self) -> dict[str, list[Row]]:
        in_force: Row = {"signed_at": _time(self._ago(1000)), "starts_at": _time(self._ago(990))}
        return {
            "parties": [
                {
                    "id": party.uri,
                    "name": party.name,
                    "kind": party.kind,
                    "website": party.uri,
                    "about": party.about,
                    "jwks_uri": keys_of(party, self._endpoints),
                }
                for party in world.PARTIES
            ],
            "contracts": [
                {
                    "id": ref,
                    "aggregator": PARTY_OF[key].uri,
                    **in_force,
                    "ends_at": _time(self._ago(-500)),
                    "purposes": list(world.PURPOSES),
                    "ack_within_s": 900,
                    "complete_within_days": 10,
                    "endpoint_url": f"{self._endpoints[key]}/events",
                    "jwks_uri": f"{self._endpoints[key]}/jwks.json",
                }
                for key, ref in world.CONTRACTS.items()
            ],
            "campaigns": [self._campaign(campaign) for campaign in world.CAMPAIGNS],
        }

    def _campaign(self, campaign: Campaign) -> Row:
        row: Row = {
            "id": campaign.ref,
            "contract": world.CONTRACTS[campaign.aggregator],
            "lbs_provider": PARTY_OF[campaign.provider].uri,
            "purpose": campaign.purpose,
            "description": PARTY_OF[campaign.provider].about,
            "consent_flow": "sms-double-opt-in",
            "scope": world.READ,
            "precision_m": campaign.precision_m,
            "starts_at": _time(self._ago(980)),
            "ends_at": _time(self._ago(-400 if campaign.ended is None else campaign.ended)),
        }
        if campaign.recipients:
            row["recipients"] = [PARTY_OF[key].uri for key in campaign.recipients]
        if campaign.consideration is not None:
            row["consideration"] = campaign.consideration
        if campaign.lifeline:
            row["lifeline"] = True
        if campaign.family_tracking:
            row["family_tracking"] = True
        return row

    def _approval(self, agreement: Agreement) -> Row:
        line, campaign = self._line[agreement.line_id], CAMPAIGN_OF[agreement.campaign]
        provider = PARTY_OF[campaign.provider]
        row: Row = {
            "id": self._id(),
            "msisdn": line.msisdn,
            "campaign": campaign.ref,
            "method": agreement.method,
            "captured_at": _time(self._ago(agreement.since) + timedelta(minutes=self._random.randrange(600))),
            "captured_by": provider.uri,
            "wording": OWN_WORDS.format(description=provider.about, name=provider.name),
            "language": line.language,
            "evidence_ref": f"{provider.key}-{self._random.getrandbits(32):08x}",
            "verified_by": "partner" if agreement.claimed else "carrier",
        }
        if agreement.expires is not None:
            row["expires_at"] = _time(self._ago(agreement.expires))
        return row

    def _choice(self, denial: Denial) -> Row:
        row: Row = {
            "id": self._id(),
            "msisdn": self._line[denial.line_id].msisdn,
            "made_at": _time(self._ago(denial.since)),
            "kind": denial.kind,
            "scope": denial.scope,
            "channel": denial.channel,
        }
        if denial.ref:
            row["ref"] = denial.ref
        if denial.until is not None:
            row["until"] = _time(self._ago(denial.until))
        if denial.program:
            row["program"] = denial.program
        return row

    def _disclosures(self) -> tuple[list[Row], list[Row]]:
        rows = [row for habit in self._books.habits for row in self._of_habit(habit)]
        notices: list[Row] = []
        for event in self._books.events:
            row = self._of_event(event)
            rows.append(row)
            if event.hidden == "lifted":
                lifted = _time(self._ago(20))
                notices.append({"disclosure_id": row["id"], "suppressed_until": lifted, "order_ref": "Lifted 26-0417"})
        rows += [row for series in self._series() for row in self._of_series(series)]
        return sorted(rows, key=lambda row: str(row["occurred_at"])), notices

    def _series(self) -> Iterator[Series]:
        yield from world.SERIES
        neighbours = [line.line_id for line in self._books.lines if line.account_id.startswith(NEIGHBOURS)]
        for line_id in (*world.DRAGNET, *neighbours):
            yield Series(
                line_id, world.DRAGNET_CAMPAIGN, world.DRAGNET_DAYS_AGO, hour=15, n=1, minutes=1,
                then=(world.DRAGNET_FOR,),
            )  # fmt: skip

    def _of_series(self, series: Series) -> Iterator[Row]:
        day = self._ago(series.days_ago).replace(hour=series.hour)
        for n in range(series.n):
            when = day + timedelta(minutes=n * series.minutes)
            yield self._look_up(series.line_id, CAMPAIGN_OF[series.campaign], when, series.then)

    def _of_habit(self, habit: Habit) -> Iterator[Row]:
        campaign = CAMPAIGN_OF[habit.campaign]
        day = float(habit.since)
        while (day := day - self._random.expovariate(habit.per_week / habit.burst / 7)) > habit.until:
            when = self._ago(day)
            for _ in range(self._random.randint(1, 2 * habit.burst - 1)):
                row = self._look_up(habit.line_id, campaign, when, habit.then)
                yield row | {
                    "precision_m": habit.precision_m or campaign.precision_m,
                    "outcome": "refused" if habit.refused else "released",
                }
                when += timedelta(seconds=self._random.randrange(60, 900))
                if when > self._at:
                    return

    def _look_up(self, line_id: str, campaign: Campaign, when: datetime, then: tuple[str, ...]) -> Row:
        return {
            "id": self._id(),
            "occurred_at": _time(when),
            "msisdn": self._line[line_id].msisdn,
            "aggregator": PARTY_OF[campaign.aggregator].uri,
            "path": _path(campaign.aggregator, campaign.provider, *then),
            "campaign": campaign.ref,
            "purpose": campaign.purpose,
            "scope": world.READ,
            "precision_m": campaign.precision_m,
            "basis": "approval",
            "outcome": "released",
        }

    def _of_event(self, event: Event) -> Row:
        row: Row = {
            "id": self._id(),
            "occurred_at": _time(self._ago(event.days_ago) + timedelta(minutes=self._random.randrange(1200))),
            "msisdn": self._line[event.line_id].msisdn,
            "aggregator": PARTY_OF[event.aggregator].uri,
            "path": _path(event.aggregator, *event.then),
            "purpose": world.SERVICE,
            "scope": world.READ,
            "precision_m": 50,
            "basis": event.basis,
            "outcome": "released",
        }
        if event.authority_ref:
            row["authority_ref"] = event.authority_ref
        if event.hidden == "until_later":
            row["suppressed_until"] = _time(self._ago(-300))
        if event.hidden == "lifted":
            row["suppressed_until"] = None
        return row


def _path(*keys: str) -> list[str]:
    return [key if key == world.UNKNOWN else PARTY_OF[key].uri for key in keys]


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _ndjson(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
