"""What is watched, once a minute; staff over days and weeks every ten, and the trail every six hours."""
