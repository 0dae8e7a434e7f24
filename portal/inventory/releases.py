"""What is kept of releases: that there was one, to whom, how exact. Never where."""

from collections.abc import Mapping

from portal.inventory.kinds import LEDGER, ORDERED, RELEASES, Table

OWN = "the line's user; of a child's line its account's holder too; staff with a reason that these see; hidden: nobody"
LEGAL = "the legal-process role alone"

TABLES: Mapping[str, Table] = {
    "disclosures.Disclosure": Table(
        "One release, or one request that was refused.",
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
        "A judgement that changed, and why.",
        ORDERED,
        OWN,
        key="line_id disclosure_id",
        time="changed_at",
        word="was becomes",
        text="cause",
    ),
    "disclosures.DelayedNotice": Table(
        "An order that hides a release for a while.",
        ORDERED,
        LEGAL,
        key="line_id disclosure_id number order_ref",
        time="suppressed_until recorded_at",
    ),
    "disclosures.HeldNotice": Table(
        "Such an order about a release that has not arrived.",
        "until the release arrives",
        LEGAL,
        key="disclosure_id number order_ref",
        time="suppressed_until recorded_at",
    ),
    "disclosures.HeldDisclosure": Table(
        "A release of a number that no line had then, sealed.",
        "until its line arrives, at the longest as long as a release",
        "nobody; officers see how many there are",
        key="id",
        time="held_at suppressed_until ungated_from ungated_at",
        business="gateway",
        sealed="msisdn_hash row_sealed",
    ),
    "disclosures.ShortenedPeriod": Table(
        "That a number was a line's for less long than we thought: what it reported after that is to be given back.",
        "until it was, seconds later",
        "nobody",
        key="id line_id after",
        time="since until",
        sealed="msisdn_hash",
    ),
    "disclosures.GivenBack": Table(
        "That a release was taken out of a line whose number it was not, and why.",
        RELEASES,
        "nobody",
        key="id line_id disclosure_id",
        time="occurred_at given_back_at",
        word="why",
        shapes={"doubted": "the companies, by id, for which it was counted as doubtful before"},
    ),
    "disclosures.ConcealedDisclosure": Table(
        "A release that was hidden when it came and has left nothing elsewhere yet.",
        "until its order lifts, at the longest as long as the release",
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
        "What releases that are counted together have in common.",
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
        "One version of the rule by which one kind of anomaly is found.",
        LEDGER,
        "officers and auditors",
        key="id version",
        time="made_at",
        figure="threshold window suspend_after_days enabled",
        word="kind",
        personal="actor",
        text="reason",
    ),
    "disclosures.Anomaly": Table(
        "That look-ups of a line, or of many, do not look right: by whom, how often, from when to when.",
        RELEASES,
        "the line's user; officers and auditors by a code, whose rows are behind it only with a reason that these see",
        key="id line_id rule",
        time="period first_at last_at newest_at found_at changed_at grown_at cleared_at",
        figure="n looks out_of",
        word="kind consequence",
        business="party recipient",
    ),
    "disclosures.AnomalyWatch": Table(
        "Up to where the releases were looked at.", "changed as it goes on", "nobody", key="id", time="until"
    ),
    "disclosures.PublishedFigure": Table(
        "A figure for everyone, as it was last counted over all lines.",
        "until it is counted again, some hours",
        "everybody, but for counts of one to nine and what gives them away",
        key="name",
        time="made_at since until",
        text="query",
        shapes={"rows": "counts and times by company, purpose and kind of choice; no line, no person"},
    ),
    "disclosures.DroppedMonth": Table(
        "That a month was dropped, and when.", LEDGER, "officers and auditors", time="month dropped_at forgotten_at"
    ),
    "disclosures.Archive": Table(
        "That a person asked for everything about a line as one file, and how far it is.",
        "a day after the file was made",
        "who asked for it",
        key="id line_id user_id",
        time="asked_at as_of leased_until expires_at",
        figure="tries done total size",
        word="state",
        personal="language",
    ),
    "disclosures.ArchivePart": Table(
        "A stretch of that file, sealed.",
        "as long as it",
        "who asked for it; a hidden release is in none",
        key="archive number",
        sealed="sealed",
    ),
    "disclosures.ImportedChunk": Table(
        "How far the import of a file has come.",
        "until the file was read to its end, 30 days at the longest",
        "nobody",
        key="starts_at",
        time="recorded_at",
        proof="file digest",
        shapes={"told": "counts of what became of its rows, and the reasons of those rejected, by line number"},
    ),
}
