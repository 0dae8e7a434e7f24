"""A line of our own stops every hour, through all that a person's stop goes through (docs/decisions/0035)."""
