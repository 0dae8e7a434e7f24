"""Reads of what left the carrier, for pages and downloads. All of them go through `visible`."""
