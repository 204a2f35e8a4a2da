"""The local MCP Apps host: a chat page for `intarsia dev` and `intarsia demo`, and for browser tests.

This package contains its server. The page is TypeScript in `page/`, the sandbox proxy is in `sandbox_page/`; both are
bundled into `dist/` when the package is built. The connector is any ASGI application with `/mcp`.
"""

from intarsia.host.app import host_app
from intarsia.host.demo_users.app import with_demo_users
from intarsia.host.sandbox import content_security_policy, sandbox_app
from intarsia.host.server import HostAddresses, running_host, running_server, serve_connector, serve_host

__all__ = [
    "HostAddresses",
    "content_security_policy",
    "host_app",
    "running_host",
    "running_server",
    "sandbox_app",
    "serve_connector",
    "serve_host",
    "with_demo_users",
]
