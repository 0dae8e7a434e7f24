"""The clocks that run from a commit: not acknowledged in 24 hours, a stream that is not well, an agreed date passed.

Only time in which the partner could have answered counts against it.
"""
