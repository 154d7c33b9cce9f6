"""Limits on how often something may be asked, shared by all processes."""
