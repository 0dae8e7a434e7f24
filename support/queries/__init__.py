"""What officers read: sets of facts for a page of rows at a time, never one query a row, never a whole hot table."""
