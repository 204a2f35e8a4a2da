"""MCP on the SDK: what a client sees of a connector."""
