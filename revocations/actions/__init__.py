"""The verbs of orders: tell a partner, take its word, find it untrue."""
