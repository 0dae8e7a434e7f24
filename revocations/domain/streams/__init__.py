"""How each partner receives its events: by its stream, or, while it has none, pushed to its contract's address.

A stream never frees us from telling, nor a partner from being told: paused or disabled, everything is kept for it.
"""
