"""The doors of consent: pages of choices, stopping without an account, the lines a person may see."""
