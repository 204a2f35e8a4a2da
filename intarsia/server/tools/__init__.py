"""Tools made from functions: their arguments, access rules and topics."""
