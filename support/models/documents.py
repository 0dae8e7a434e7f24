"""Documents that staff made of the records, kept as they were signed; and agreements with partners, as uploaded."""

from django.db import models


class Document(models.Model):
    """One document. Append-only. `about`: what it is about, by kind and id ("year:2026", "party:4", "ticket:AB12").

    `line_id`: the person in whose log each reading stands, where it is about one. `release_id`: the look-up that it
    describes: while an order hides that, the document isn't there. `company_id`: the company that its case asks about,
    likewise while orders hide all that made it known. `sha256`: of the PDF. Packs of a court order (ORDER) are there
    for the legal-process role alone.
    """

    class Kind(models.TextChoices):
        CERTIFICATE = "certificate", "Annual CPNI certificate"
        CCPA = "ccpa", "CCPA metrics"
        BREACH = "breach", "Breach notification"
        COMPANY = "company", "Evidence pack of a company"
        CASE = "case", "Evidence pack of a case"
        ORDER = "order", "Evidence pack of a court order"
        AGREEMENT = "agreement", "Signed agreement"

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    about = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    line_id = models.BigIntegerField(null=True)
    release_id = models.UUIDField(null=True)
    company_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    pdf_sealed = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["-made_at"], name="support_document_newest")]

    def __str__(self) -> str:
        return f"{self.kind} about {self.about}"
