"""The pages where people sign in, consent, and see what they granted."""
