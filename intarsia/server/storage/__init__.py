"""The SQLite file of a connector, and what is kept in it."""
