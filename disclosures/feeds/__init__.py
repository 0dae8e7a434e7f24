"""The disclosures and the notices feeds: what a line must hold, and handing it to the verbs."""
