"""Figures for everyone: what is counted and how, what of it is shown, and how they were when they were last made."""

from disclosures.queries.figures.page import FiguresPage, figures_page
from disclosures.queries.figures.published import Published, all_as_csv, figure_as_csv, published
from disclosures.queries.figures.statements import FEWEST, STATEMENTS, Figure, Statement

__all__ = [
    "FEWEST",
    "STATEMENTS",
    "Figure",
    "FiguresPage",
    "Published",
    "Statement",
    "all_as_csv",
    "figure_as_csv",
    "figures_page",
    "published",
]
