"""The verbs of consent: a person's choices, what carrier files bring, and what a line's own life does to them."""
