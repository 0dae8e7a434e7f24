"""What officers type, shaped and checked before a verb sees it."""
