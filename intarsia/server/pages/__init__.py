"""What the sign-in pages and the admin pages share: forms, templates, cookies and sessions of browsers."""
