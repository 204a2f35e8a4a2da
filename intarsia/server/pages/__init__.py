"""What the pages of sign-in and of admins share."""
