"""User accounts: passwords, encryption at rest, and rate limits."""
