"""The verbs of people: codes, sign-in, factors, texts to them, staff."""
