"""Connectors that users add to the local host: their registry, OAuth client, routes and proxy."""
