"""The ASGI application, and what stands in front of it."""
