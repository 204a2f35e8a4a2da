"""The admin pages: switches, audit log and people, behind a sign-in with the role `intarsia:admin`."""
