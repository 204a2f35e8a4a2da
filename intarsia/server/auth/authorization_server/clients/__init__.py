"""Apps: those that registered, and those that describe themselves at their own site."""
