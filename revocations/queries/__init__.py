"""What the orders' own rows say: of a partner's word, and of the dates it let pass."""
