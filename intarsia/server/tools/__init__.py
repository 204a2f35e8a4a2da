"""Functions as tools: their arguments, access rules and topics."""
