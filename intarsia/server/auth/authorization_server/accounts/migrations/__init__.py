"""The migrations of the tables of accounts, as in `intarsia.server.storage.migrations`."""
