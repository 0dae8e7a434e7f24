"""Figures for everyone: what is counted and how, what of it is shown, and how they were when they were last made."""
