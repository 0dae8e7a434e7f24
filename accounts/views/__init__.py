"""The doors of people: sign in, prove it, leave, settings, and who looked."""
