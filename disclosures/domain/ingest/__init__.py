"""Taking in what was released: stored by COPY, attributed and judged set-wise, judged again when more is known."""
