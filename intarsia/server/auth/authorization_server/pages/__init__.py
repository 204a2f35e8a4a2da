"""The pages that users see: sign-in, consent, and connected apps."""
