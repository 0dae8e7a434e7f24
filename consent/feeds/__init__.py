"""Carrier files about lines and what their people agreed to or stopped."""
