"""Switches, with which admins turn tools on, off or to text only, and allow actions in widgets and by models."""
