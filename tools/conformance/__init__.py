"""Does a partner's own end keep to the guide? Drives it through the door out, about nobody, and says what it saw."""
