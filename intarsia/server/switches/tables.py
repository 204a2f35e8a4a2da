"""Where switches are kept: in the connector's store, so that every process that shares it follows."""

from sqlalchemy import Column, Integer, String, Table, Text
from sqlalchemy.types import Float

from intarsia.server.storage.store import OWN_TABLES

SWITCHES = Table(
    "intarsia_switches",
    OWN_TABLES,
    Column("what", String(200), primary_key=True),
    Column("role", String(200), primary_key=True),
    Column("position", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
)
"""Switches that were ever set. Those for everybody have an empty role."""

SEEN_TOOLS = Table(
    "intarsia_seen_tools",
    OWN_TABLES,
    Column("tool", String(200), primary_key=True),
    Column("at", Float, nullable=False),
)
"""Tools that the connector was started with before."""
