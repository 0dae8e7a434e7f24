"""By which both are found from now on; made while people stop. What is broken off is run again."""

from django.db import migrations, models


def made(name: str, what: str, *, unique: bool = False) -> tuple[list[str], str]:
    """The statements that make an index while its table is written to, and the one that takes it away."""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return (
        [f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE {kind} CONCURRENTLY {name} ON {what}"],
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("consent", "0019_kept_with_its_line")]
    operations = [
        migrations.RunSQL(
            *made("consent_unarchived_first", "consent_unarchived (queued_at, id)"),
            state_operations=[
                migrations.AddIndex(
                    model_name="unarchived",
                    index=models.Index(fields=["queued_at", "id"], name="consent_unarchived_first"),
                ),
            ],
        ),
        migrations.RunSQL(
            *made("consent_tightening_named", "consent_tightening (id)"),
            state_operations=[
                migrations.AddIndex(
                    model_name="tightening",
                    index=models.Index(fields=["id"], name="consent_tightening_named"),
                ),
            ],
        ),
        # The next two migrations make these the primary keys.
        migrations.RunSQL(*made("consent_unarchived_by_line", "consent_unarchived (line_id, id)", unique=True)),
        migrations.RunSQL(*made("consent_tightening_by_line", "consent_tightening (line_id, id)", unique=True)),
    ]
