"""Handling of tool calls, from arguments to response."""
