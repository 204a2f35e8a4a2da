"""Switches: an admin turns tools on, to text only, or off, and says who may act where."""
