"""Where the pages of an admin are."""

from starlette.routing import Route

from intarsia.server.admin.access import AdminAccess, Admins
from intarsia.server.admin.audit_page import AuditPage
from intarsia.server.admin.people_page import PeoplePage
from intarsia.server.admin.preview_page import PreviewPage
from intarsia.server.admin.switches_page import SwitchPage
from intarsia.server.admin.templates import (
    OWN_STYLE_PATH,
    SCRIPT_PATH,
    show_own_style,
    show_script,
)
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.catalog import Catalog

SWITCH_FORM_PATHS = frozenset({"/admin/switches", "/admin/review"})
"""Where forms about switches are sent, and nothing else."""
FORM_PATHS = SWITCH_FORM_PATHS | {"/admin/roles", "/admin/withdraw"}
"""Where forms are sent, and nothing else."""


def admin_routes(catalog: Catalog, admins: Admins, services: AuthServices | None = None) -> list[Route]:
    """Return the pages of a connector's admins.

    Args:
        catalog: What they turn on and off.
        admins: Knows who they are.
        services: Of the authorization server, if people sign in at the connector itself: then there is a page of
            people, too.
    """
    guarding = AdminAccess(catalog, admins, has_people=services is not None)
    switches, preview = SwitchPage(guarding), PreviewPage(guarding)
    log = AuditPage(guarding, services.store if services else None)
    routes = [
        Route("/admin", guarding.page(switches.show), methods=["GET"]),
        Route("/admin/review", guarding.form(switches.review), methods=["POST"]),
        Route("/admin/switches", guarding.form(switches.set), methods=["POST"]),
        Route("/admin/preview", guarding.page(preview.show), methods=["GET"]),
        Route("/admin/example", guarding.page(preview.show_example), methods=["GET"]),
        Route("/admin/log", guarding.page(log.show), methods=["GET"]),
        Route("/admin/log.csv", guarding.page(log.export), methods=["GET"]),
        Route(SCRIPT_PATH, show_script, methods=["GET"]),
        Route(OWN_STYLE_PATH, show_own_style, methods=["GET"]),
    ]
    if services is None:
        return routes
    people = PeoplePage(guarding, services)
    return [
        *routes,
        Route("/admin/people", guarding.page(people.show), methods=["GET"]),
        Route("/admin/roles", guarding.form(people.set_roles), methods=["POST"]),
        Route("/admin/withdraw", guarding.form(people.withdraw), methods=["POST"]),
    ]
