"""How numbers are written, by language, where Django looks for it: as on every bill and bank note here, 1,234.5."""
