"""Reads of what left the carrier, for pages and downloads. All of them go through `visible`."""

from disclosures.queries.access_summary import AccessPage, get_access_page
from disclosures.queries.archives import archive_of, bytes_of
from disclosures.queries.chart import Chart
from disclosures.queries.companies import Companies, CompanyCard, companies_of
from disclosures.queries.company import CompanyPage, company_page
from disclosures.queries.downloads import as_csv, as_json
from disclosures.queries.export import events_for, export_of
from disclosures.queries.figures import FiguresPage, all_as_csv, figure_as_csv, figures_page, published
from disclosures.queries.held import HeldRowCounts, count_held_rows
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
from disclosures.queries.line_alerts import LineAlert, list_line_alerts
from disclosures.queries.visible import visible, with_delay

__all__ = [
    "LOOKED",
    "NO_RECORD",
    "AccessPage",
    "Chart",
    "Companies",
    "CompanyCard",
    "CompanyPage",
    "FiguresPage",
    "Filters",
    "HeldRowCounts",
    "HistoryPage",
    "LineAlert",
    "all_as_csv",
    "archive_of",
    "as_csv",
    "as_json",
    "bytes_of",
    "companies_in",
    "companies_of",
    "company_page",
    "count_held_rows",
    "events_for",
    "export_of",
    "figure_as_csv",
    "figures_page",
    "get_access_page",
    "history_in_parts",
    "history_page",
    "history_rows",
    "list_line_alerts",
    "published",
    "visible",
    "with_delay",
]
