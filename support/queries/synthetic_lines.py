"""Lines that are nobody's: that of our own trial, and the carrier's own test lines. What they say no person said."""

from accounts.primitives import synthetic

# Of no figure about what people did. Whenever a line was watched, it was the carrier's own all the time.
NOBODYS = """
SELECT id AS line_id FROM accounts_line WHERE carrier_id = '<name>'
UNION SELECT line_id FROM support_seedline
""".replace("<name>", synthetic.NAME)
