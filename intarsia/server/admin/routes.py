"""The routes of the admin pages."""

from starlette.routing import Route

from intarsia.server.admin.access import AdminAccess, Admins
from intarsia.server.admin.audit_page import AuditPage
from intarsia.server.admin.people_page import PeoplePage
from intarsia.server.admin.preview_page import PreviewPage
from intarsia.server.admin.switches_page import SwitchPage
from intarsia.server.admin.templates import (
    ADMIN_STYLE_PATH,
    SCRIPT_PATH,
    serve_admin_style,
    serve_script,
)
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.catalog import Catalog

SWITCH_FORM_PATHS = frozenset({"/admin/switches", "/admin/review"})
"""The paths of forms about switches. They accept forms and nothing else."""
FORM_PATHS = SWITCH_FORM_PATHS | {"/admin/roles", "/admin/revoke"}
"""The paths of all forms. They accept forms and nothing else."""


def admin_routes(catalog: Catalog, admins: Admins, services: AuthServices | None = None) -> list[Route]:
    """Return the routes of the admin pages.

    Args:
        catalog: The catalog of the connector that is administered.
        admins: Authenticates admins.
        services: The services of the authorization server, if it is part of the connector; then there is a page of
            people too.
    """
    access = AdminAccess(catalog, admins, has_people=services is not None)
    switches, preview = SwitchPage(access), PreviewPage(access)
    log = AuditPage(access, services.store if services else None)
    routes = [
        Route("/admin", access.page(switches.show), methods=["GET"]),
        Route("/admin/review", access.form(switches.review), methods=["POST"]),
        Route("/admin/switches", access.form(switches.set), methods=["POST"]),
        Route("/admin/preview", access.page(preview.show), methods=["GET"]),
        Route("/admin/example", access.page(preview.show_example), methods=["GET"]),
        Route("/admin/log", access.page(log.show), methods=["GET"]),
        Route("/admin/log.csv", access.page(log.export), methods=["GET"]),
        Route(SCRIPT_PATH, serve_script, methods=["GET"]),
        Route(ADMIN_STYLE_PATH, serve_admin_style, methods=["GET"]),
    ]
    if services is None:
        return routes
    people = PeoplePage(access, services)
    return [
        *routes,
        Route("/admin/people", access.page(people.show), methods=["GET"]),
        Route("/admin/roles", access.form(people.set_roles), methods=["POST"]),
        Route("/admin/revoke", access.form(people.revoke), methods=["POST"]),
    ]
