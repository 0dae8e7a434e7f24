"""Reads of the ledger for pages: choices made, and how far each one has come at each partner."""
