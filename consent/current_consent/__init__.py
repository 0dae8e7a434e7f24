"""Where one line stands now, for its pages: what the gate says of each use, and on what proof it was agreed."""

from consent.current_consent.lines import sharing, use_of
from consent.current_consent.proofs import Proof
from consent.current_consent.uses import Sharing, State, Use

__all__ = ["Proof", "Sharing", "State", "Use", "sharing", "use_of"]
