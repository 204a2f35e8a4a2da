"""demo_users."""
