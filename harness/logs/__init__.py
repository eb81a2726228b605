"""Logs of what was served: reading them."""
