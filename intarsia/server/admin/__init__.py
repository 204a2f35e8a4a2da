"""The pages of an admin: switches, audit log, people. They stand beside the sign-in that is part of the connector."""
