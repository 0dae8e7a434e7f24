"""The gate: "may I?", answered from the line's gate row and the state of parties, contracts and campaigns.

One SQL statement of look-ups by primary key or unique index, no cache, no write. What was answered in the past is
`consent.queries.permission`'s to say, from the ledger; neither knows the other.
"""
