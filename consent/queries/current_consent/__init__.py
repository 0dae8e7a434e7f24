"""Where one line stands now, for its pages: what the gate says of each use, and on what proof it was agreed."""
