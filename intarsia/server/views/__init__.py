"""What the server knows of an open View: its handle, its keys and confirmations, and which one is the latest."""
