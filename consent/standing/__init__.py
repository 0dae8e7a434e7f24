"""Where one line stands now, for its pages: what the gate says of each use, and on what proof it was agreed."""

from consent.standing.lines import sharing, use_of
from consent.standing.proofs import Proof
from consent.standing.uses import Sharing, State, Use

__all__ = ["Proof", "Sharing", "State", "Use", "sharing", "use_of"]
