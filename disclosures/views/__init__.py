"""The doors of disclosures for people: home, history, one company."""
