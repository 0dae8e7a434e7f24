"""What a carrier's own log shows and no partner's list would: found by rules that are rows, set-wise, and acted on."""
