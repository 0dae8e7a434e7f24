"""What is kept of releases: that there was one, to whom, how exact. Never where."""

from collections.abc import Mapping

from tools.inventory.kinds import FOR_EVER, LEDGER, ORDERED, RELEASES, Table

OWN = "the line's people"
LEGAL = "the legal-process role"

TABLES: Mapping[str, Table] = {
    "disclosures.Disclosure": Table(
        "One release, or one refused request.",
        ORDERED,
        OWN,
        key="line_id source_id campaign decision_id authority_ref",
        word="purpose scope",
        business="aggregator",
        shapes={"path": "the companies it went through, by id"},
    ),
    "disclosures.DisclosureRegister": Table(
        "The ids of all releases.", ORDERED, "nobody", key="line_id", proof="content_hash"
    ),
    "disclosures.JudgementChange": Table("A changed judgement, and why.", ORDERED, OWN, key="line_id", text="cause"),
    "disclosures.DelayedNotice": Table(
        "A court order that hides a release for a time.", ORDERED, LEGAL, key="line_id number order_ref"
    ),
    "disclosures.HeldNotice": Table(
        "The same for a release that hasn't arrived.", "until the release arrives", LEGAL, key="number order_ref"
    ),
    "disclosures.HeldDisclosure": Table(
        "A release of a number that no line had then.",
        "until its line arrives; at most as a release",
        "nobody",
        business="gateway",
    ),
    "disclosures.ShortenedPeriod": Table(
        "That a line had a number for less long than we thought.", "seconds", "nobody", key="line_id"
    ),
    "disclosures.ReassignedRelease": Table(
        "That a release was detached from a line whose number it wasn't.",
        RELEASES,
        "nobody",
        key="line_id",
        shapes={"doubted": "the companies, by id, for which it was doubtful"},
    ),
    "disclosures.ConcealedDisclosure": Table(
        "A release hidden on arrival.", "until its order lifts; at most as a release", "nobody", key="line_id"
    ),
    "disclosures.LongLine": Table(
        "A line counted by day ahead of time.",
        "as long as the line",
        "nobody",
        key="line_id",
        time="through",
        personal="zone",
    ),
    "disclosures.GrowingLine": Table(
        "A line that may have become long.", "until it was counted", "nobody", key="line_id"
    ),
    "disclosures.ChangedDay": Table("A day to be counted again.", "until it was", "nobody", key="line_id", time="day"),
    "disclosures.RolledFacts": Table(
        "What releases of a day have in common.",
        RELEASES,
        OWN,
        key="line_id campaign",
        word="purpose",
        shapes={"path": "the companies they went through, by id"},
    ),
    "disclosures.DailyRollup": Table(
        "How many releases of a day had those facts.", RELEASES, OWN, key="line_id", time="day"
    ),
    "disclosures.AnomalyRule": Table(
        "One version of an anomaly rule.", LEDGER, "the office", key="version", personal="actor", text="reason"
    ),
    "disclosures.Anomaly": Table(
        "A suspicious pattern of releases: by whom, how often, when.",
        RELEASES,
        "the line's user; the office by a code",
        key="line_id",
        time="period",
        word="consequence",
        business="party recipient",
    ),
    "disclosures.AnomalyWatch": Table("How far the search has come.", "overwritten", "nobody", key="id"),
    "disclosures.PublishedFigure": Table(
        "A public figure, as last counted.",
        "until the next count",
        "everyone",
        key="name",
        text="query",
        shapes={"rows": "counts and times; no line, no person"},
    ),
    "disclosures.PastFigure": Table(
        "A public figure of an earlier month.",
        FOR_EVER,
        "everyone",
        key="name",
        text="query",
        shapes={"rows": "counts and times; no line, no person"},
    ),
    "disclosures.DroppedMonth": Table("That a month was dropped.", LEDGER, "the office", time="month"),
    "disclosures.Archive": Table(
        "A person's request for all data about a line.",
        "a day after the file was made",
        "whoever asked for it",
        key="line_id user_id",
        personal="language",
    ),
    "disclosures.ArchivePart": Table(
        "A part of that file.", "with that file", "whoever asked for it", key="number", sealed="sealed"
    ),
    "disclosures.Upload": Table(
        "A carrier file that staff uploaded.",
        FOR_EVER,
        "the office; delayed notices the legal-process role alone",
        key="id",
        business="uploaded_by decided_by",
        text="reason",
        proof="digest",
        shapes={
            "outcome": "counts; of a parties file the ids of its entries, and warnings",
            "rejects": "rejected rows: line, field, reason",
        },
    ),
    "disclosures.UploadPart": Table(
        "A part of that file.",
        "until the import ends, at most 7 days after its dry run",
        "nobody",
        key="number",
        sealed="sealed",
    ),
    "disclosures.ImportedChunk": Table(
        "How far an import has come.",
        "until the import ends, at most 30 days",
        "nobody",
        key="starts_at",
        proof="file digest",
        shapes={"told": "counts"},
    ),
}
