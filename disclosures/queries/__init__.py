"""Reads of what left the carrier, for pages and downloads. All of them go through `visible`."""

from disclosures.queries.archives import archive_of, bytes_of
from disclosures.queries.asked import AskedPage, asked_page
from disclosures.queries.chart import Chart
from disclosures.queries.companies import Companies, CompanyCard, companies_of
from disclosures.queries.company import CompanyPage, company_page
from disclosures.queries.downloads import as_csv, as_json
from disclosures.queries.export import export_of
from disclosures.queries.figures import Figures, figures
from disclosures.queries.history import Filters, HistoryPage, companies_in, history_page, history_rows
from disclosures.queries.noticed import Noticed, noticed_in
from disclosures.queries.visible import visible, with_delay

__all__ = [
    "AskedPage",
    "Chart",
    "Companies",
    "CompanyCard",
    "CompanyPage",
    "Figures",
    "Filters",
    "HistoryPage",
    "Noticed",
    "archive_of",
    "as_csv",
    "as_json",
    "asked_page",
    "bytes_of",
    "companies_in",
    "companies_of",
    "company_page",
    "export_of",
    "figures",
    "history_page",
    "history_rows",
    "noticed_in",
    "visible",
    "with_delay",
]
