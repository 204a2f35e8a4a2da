"""The SQLite file of a connector and the data in it."""
