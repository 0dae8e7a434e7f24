"""Carrier files: read line by line, checked, explained where refused, and (here) parties, contracts and campaigns."""
