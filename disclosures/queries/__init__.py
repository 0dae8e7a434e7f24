"""Reads of what left the carrier, for pages and downloads. All of them go through `visible`."""

from disclosures.queries.archives import archive_of, bytes_of
from disclosures.queries.asked import AskedPage, asked_page
from disclosures.queries.chart import Chart
from disclosures.queries.companies import Companies, CompanyCard, companies_of
from disclosures.queries.company import CompanyPage, company_page
from disclosures.queries.downloads import as_csv, as_json
from disclosures.queries.export import events_for, export_of
from disclosures.queries.figures import FiguresPage, all_as_csv, figure_as_csv, figures_page, published
from disclosures.queries.held import HeldNow, held_now
from disclosures.queries.history import (
    LOOKED,
    NO_RECORD,
    Filters,
    HistoryPage,
    companies_in,
    history_in_parts,
    history_page,
    history_rows,
)
from disclosures.queries.noticed import Noticed, noticed_in
from disclosures.queries.visible import visible, with_delay

__all__ = [
    "LOOKED",
    "NO_RECORD",
    "AskedPage",
    "Chart",
    "Companies",
    "CompanyCard",
    "CompanyPage",
    "FiguresPage",
    "Filters",
    "HeldNow",
    "HistoryPage",
    "Noticed",
    "all_as_csv",
    "archive_of",
    "as_csv",
    "as_json",
    "asked_page",
    "bytes_of",
    "companies_in",
    "companies_of",
    "company_page",
    "events_for",
    "export_of",
    "figure_as_csv",
    "figures_page",
    "held_now",
    "history_in_parts",
    "history_page",
    "history_rows",
    "noticed_in",
    "published",
    "visible",
    "with_delay",
]
