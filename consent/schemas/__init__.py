"""What machines may ask and how they are answered: the gateway's questions (AuthZEN), partners' (CAMARA)."""
