"""What is kept of releases: that there was one, to whom, how exact. Never where."""

from collections.abc import Mapping

from tools.inventory.kinds import LEDGER, ORDERED, RELEASES, Table

OWN = "the line's people; while hidden, nobody"
LEGAL = "the legal-process role"

TABLES: Mapping[str, Table] = {
    "disclosures.Disclosure": Table(
        "One release, or one refused request.",
        ORDERED,
        OWN,
        key="line_id id source_id campaign decision_id authority_ref",
        time="occurred_at recorded_at",
        figure="precision_m basis_doubtful",
        word="purpose scope basis outcome judgement path_completed",
        business="aggregator",
        shapes={"path": "the companies it went through, by id, in order"},
    ),
    "disclosures.DisclosureRegister": Table(
        "The ids of all releases, so that none counts twice.",
        ORDERED,
        "nobody",
        key="id line_id",
        time="occurred_at",
        proof="content_hash",
    ),
    "disclosures.JudgementChange": Table(
        "A changed judgement, and why.",
        ORDERED,
        OWN,
        key="line_id disclosure_id",
        time="changed_at",
        word="was becomes",
        text="cause",
    ),
    "disclosures.DelayedNotice": Table(
        "A court order that hides a release for a time.",
        ORDERED,
        LEGAL,
        key="line_id disclosure_id number order_ref",
        time="suppressed_until recorded_at",
    ),
    "disclosures.HeldNotice": Table(
        "The same for a release that hasn't arrived.",
        "until the release arrives",
        LEGAL,
        key="disclosure_id number order_ref",
        time="suppressed_until recorded_at",
    ),
    "disclosures.HeldDisclosure": Table(
        "A release of a number that no line had then, sealed.",
        "until its line arrives, at most as long as a release",
        "nobody; officers see the count",
        key="id",
        time="held_at suppressed_until ungated_from ungated_at",
        business="gateway",
        sealed="msisdn_hash row_sealed",
    ),
    "disclosures.ShortenedPeriod": Table(
        "That a line had a number for less long than we thought: later releases are to be reassigned.",
        "seconds",
        "nobody",
        key="id line_id after",
        time="since until",
        sealed="msisdn_hash",
    ),
    "disclosures.ReassignedRelease": Table(
        "That a release was detached from a line whose number it wasn't, and why.",
        RELEASES,
        "nobody",
        key="id line_id disclosure_id",
        time="occurred_at given_back_at",
        word="why",
        shapes={"doubted": "the companies, by id, for which it was counted as doubtful before"},
    ),
    "disclosures.ConcealedDisclosure": Table(
        "A release hidden on arrival that has left no trace elsewhere yet.",
        "until its order lifts, at most as long as the release",
        "nobody",
        key="line_id id",
        time="occurred_at",
        figure="gated",
    ),
    "disclosures.LongLine": Table(
        "A line whose days are counted ahead of time.",
        "as long as the line",
        "nobody",
        key="line_id",
        time="through",
        personal="zone",
    ),
    "disclosures.GrowingLine": Table(
        "A line that may have become long.", "until it was counted", "nobody", key="line_id id"
    ),
    "disclosures.ChangedDay": Table(
        "A day to be counted again.", "until it was", "nobody", key="line_id id", time="day"
    ),
    "disclosures.RolledFacts": Table(
        "What releases counted together have in common.",
        RELEASES,
        OWN,
        key="line_id key campaign",
        figure="basis_doubtful",
        word="purpose basis outcome judgement",
        shapes={"path": "the companies they went through, by id, in order"},
    ),
    "disclosures.DailyRollup": Table(
        "How many releases of a day had the same facts.",
        RELEASES,
        OWN,
        key="line_id facts",
        time="day first_at last_at",
        figure="n finest_m",
    ),
    "disclosures.AnomalyRule": Table(
        "One version of the rule for a kind of anomaly.",
        LEDGER,
        "the office",
        key="id version",
        time="made_at",
        figure="threshold window suspend_after_days enabled",
        word="kind",
        personal="actor",
        text="reason",
    ),
    "disclosures.Anomaly": Table(
        "A suspicious pattern of releases of one line or of many: by whom, how often, when.",
        RELEASES,
        "the line's user; the office by a code, with rows only after a reason these people see",
        key="id line_id rule",
        time="period first_at last_at newest_at found_at changed_at grown_at cleared_at",
        figure="n looks out_of",
        word="kind consequence",
        business="party recipient",
    ),
    "disclosures.AnomalyWatch": Table("How far the search has come.", "overwritten", "nobody", key="id", time="until"),
    "disclosures.PublishedFigure": Table(
        "A public figure, as last counted over all lines.",
        "until the next count, some hours",
        "everyone, except small counts",
        key="name",
        time="made_at since until",
        text="query",
        shapes={"rows": "counts and times by company, purpose and kind of choice; no line, no person"},
    ),
    "disclosures.DroppedMonth": Table(
        "That a month was dropped, and when.", LEDGER, "the office", time="month dropped_at forgotten_at"
    ),
    "disclosures.Archive": Table(
        "A person's request for all data about a line as one file, and its progress.",
        "a day after the file was made",
        "whoever asked for it",
        key="id line_id user_id",
        time="asked_at as_of leased_until expires_at",
        figure="tries done total size",
        word="state",
        personal="language",
    ),
    "disclosures.ArchivePart": Table(
        "A part of that file, sealed.",
        "with that file",
        "whoever asked for it; never a hidden release",
        key="archive number",
        sealed="sealed",
    ),
    "disclosures.ImportedChunk": Table(
        "How far an import has come.",
        "until the import ends, at most 30 days",
        "nobody",
        key="starts_at",
        time="recorded_at",
        proof="file digest",
        shapes={"told": "counts by result, and rejections by line number"},
    ),
}
