"""The consent page: shows an authorization request to the user, and sends the decision to the client."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.auth.authorization_server.clients.clients import Client, is_document
from intarsia.server.auth.authorization_server.clients.redirect_uris import (
    add_parameters,
    describe_redirect,
    is_registered,
)
from intarsia.server.auth.authorization_server.oauth.authorization_request import (
    AuthorizationRequest,
    AuthorizationRequests,
)
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE_ACCESS, Consent
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import describe_scopes
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import Browser, CsrfError
from intarsia.server.pages.forms import Fields, read_form, read_query
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.pages.templates import expired_page, render_page


class ConsentPage:
    """The page where users choose what an app may do. It is always shown, even if the same access was granted before.

    Args:
        catalog: The catalog that the app requests access to.
        services: The services of the authorization server, with its sessions, clients and grants.
        login_page: The page where users sign in.
    """

    def __init__(self, catalog: Catalog, services: AuthServices, login_page: LoginPage) -> None:
        self._catalog = catalog
        self._services = services
        self._login_page = login_page
        self._requests = AuthorizationRequests(services.store)

    async def authorize(self, request: Request) -> Response:
        """Handle an authorization request (OAuth 2.1, section 4.1.1): return the sign-in page or the consent page."""
        browser = await self._services.sessions.load(request)
        try:
            query = read_query(request)
            client_id = query.required("client_id")
            client = await self._services.clients.get(client_id)
            # Metadata documents are fetched for signed-in users only, so that strangers cannot make the server connect.
            if is_document(client_id):
                client = await self._services.clients.fetch(client_id) if browser.account else None
            elif client is None:
                message = "This app is not registered here. In the app, remove the connector and add it again."
                raise OAuthError(Code.INVALID_CLIENT, message)
            redirect_uri = _redirect_uri(query, client) if client else ""
        except OAuthError as error:
            # Without a valid client and redirect URI there is no safe place to send the error (RFC 6749, 4.1.2.1).
            return self._error_page(error)
        if browser.account is None or client is None:
            return self._login_page.show(browser, authorize_query=request.url.query)
        try:
            authorization = AuthorizationRequest.parse(
                query, client.id, redirect_uri, self._services.settings, supported=self._catalog.scopes,
                can_refresh=client.can_refresh,
            )  # fmt: skip
        except OAuthError as error:
            return self._error_page(error, app=client.name, redirect_uri=redirect_uri, state=_state_of(query))
        return await self._show(browser, client, authorization, authorize_query=request.url.query)

    async def _show(
        self,
        browser: Browser,
        client: Client,
        authorization: AuthorizationRequest,
        *,
        authorize_query: str,
        problem: str = "",
    ) -> Response:
        handle = await self._requests.save(browser.session, authorization)
        page = render_page(
            "consent",
            status=400 if problem else 200,
            connector=self._catalog.name,
            account=browser.account,
            app=client.name,
            site=client.site,
            redirects_to=describe_redirect(authorization.redirect_uri),
            scopes=describe_scopes(self._catalog, authorization.scopes, frozenset()),
            offers_offline=authorization.offers_offline,
            offline_scope=OFFLINE_ACCESS,
            access_lifetime=_in_words(self._services.settings.access_seconds),
            problem=problem,
            request=handle,
            csrf_token=browser.csrf_token,
            authorize_query=authorize_query,
        )
        return self._services.sessions.set_cookie(page, browser)

    async def decide(self, request: Request) -> Response:
        """Handle the submitted consent form, and continue to the app."""
        browser = await self._services.sessions.load(request)
        try:
            form = await read_form(request)
            self._services.sessions.verify_csrf(request, form, browser)
            handle = form.one("request") or ""
            authorization = await self._requests.take(browser.session, handle) if browser.account else None
            decision, authorize_query = form.one("decision"), form.one("authorize_query") or ""
            client = await self._client_of(authorization) if authorization else None
        except (OAuthError, CsrfError):
            return expired_page(self._catalog.name)
        if browser.account is None or authorization is None or client is None or decision not in ("allow", "deny"):
            return expired_page(self._catalog.name)
        if decision == "deny":
            return self._continue_to_app(client.name, authorization, error="access_denied")
        ticked = form.many("scope")
        if authorization.scopes and not ticked & set(authorization.scopes):
            problem = "Choose at least one permission, or cancel."
            return await self._show(browser, client, authorization, authorize_query=authorize_query, problem=problem)
        if client.kind == "document":
            await self._services.clients.save(client)
        # The form comes from the browser: it can reduce the requested scopes, but never add one.
        requested = {*authorization.scopes, *([OFFLINE_ACCESS] if authorization.requested_offline else [])}
        consent = Consent(
            account=browser.account, client=client.id, scopes=ticked & requested,
            redirect_uri=authorization.redirect_uri,
            offline=(OFFLINE_ACCESS in ticked) if authorization.offers_offline else None,
            challenge=authorization.challenge,
        )  # fmt: skip
        code = await self._services.grants.create(consent)
        return self._continue_to_app(client.name, authorization, code=code)

    async def _client_of(self, authorization: AuthorizationRequest) -> Client | None:
        if is_document(authorization.client):
            return await self._services.clients.fetch(authorization.client)
        return await self._services.clients.get(authorization.client)

    def _continue_to_app(self, app: str, authorization: AuthorizationRequest, **parameters: str) -> Response:
        """Return a page that continues to the app by itself, and by a link.

        Not a redirect: browsers apply `form-action` to redirects after a form too, and the app may redirect anywhere.
        """
        issuer = self._services.settings.public_url
        link = add_parameters(authorization.redirect_uri, **parameters, state=authorization.state, iss=issuer)
        is_allowed = "code" in parameters
        return render_page(
            "notice", headers={"Refresh": f"0; url={link}"}, connector=self._catalog.name,
            title=f"{app} is connected" if is_allowed else f"{app} was not connected",
            text="If nothing happens, use the button." if is_allowed else "No access was granted.",
            link=link, label=f"Continue to {describe_redirect(authorization.redirect_uri)}",
        )  # fmt: skip

    def _error_page(
        self, error: OAuthError, *, app: str = "", redirect_uri: str = "", state: str | None = None
    ) -> Response:
        """Return an error page with a link to the app.

        Not a redirect, so that nobody can use this server to send users to a phishing site (RFC 9700, section 4.11.2).
        """
        issuer = self._services.settings.public_url
        parameters: dict[str, Any] = {"error": error.code, "error_description": error.description, "state": state}
        link = add_parameters(redirect_uri, **parameters, iss=issuer) if redirect_uri else ""
        return render_page(
            "notice", status=400, connector=self._catalog.name,
            title=f"{app} could not be connected" if app else "The app could not be connected",
            text=error.description, link=link, label=f"Go back to {describe_redirect(redirect_uri)}" if link else "",
        )  # fmt: skip


def _in_words(seconds: int) -> str:
    hours, minutes = seconds / 3600, round(seconds / 60)
    if hours == 1:
        return "an hour"
    return f"{hours:g} hours" if hours.is_integer() else f"{minutes} minute{'s' if minutes > 1 else ''}"


def _redirect_uri(query: Fields, client: Client) -> str:
    address = query.one("redirect_uri")
    if address is None:
        # OAuth 2.1, section 4.1.1: it is optional if only one is registered.
        address = client.redirect_uris[0] if len(client.redirect_uris) == 1 else ""
    if not is_registered(address, client.redirect_uris):
        raise OAuthError(Code.INVALID_REDIRECT_URI, "The app sent a redirect URI that is not registered for it.")
    return address


def _state_of(query: Fields) -> str | None:
    try:
        return query.one("state")
    except OAuthError:
        return None
