"""User accounts: settings, tables, passwords, sessions, encryption at rest, and rate limits."""
