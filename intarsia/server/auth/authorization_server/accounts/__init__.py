"""Accounts, their sessions, and where they are kept."""
