"""What is made up by ourselves, for the trial of stopping that runs every hour, and is nobody's.

Its number is one of those that are kept free for stories (555-0100 to 0199): no text goes there.
"""

NUMBER = "+12025550199"
# The `carrier_id` of its line, the id of its account, of its agreement, its use and of the machines that speak for it.
NAME = "whereabouts-canary"
# The company that is told, which is this portal itself. Nobody can own a name under `.invalid` (RFC 2606).
PARTY = "https://canary.whereabouts.invalid"
PARTY_NAME = "Canary (our own trial, no company)"
