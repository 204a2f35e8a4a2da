"""MCP on top of the SDK: tools, resources and subscriptions of a connector."""
