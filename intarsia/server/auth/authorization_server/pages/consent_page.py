"""Asking a person: what `/authorize` shows, and what follows from the answer."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.auth.authorization_server.clients.clients import Client, is_document
from intarsia.server.auth.authorization_server.clients.redirect_uris import is_registered, shown, with_answer
from intarsia.server.auth.authorization_server.oauth.authorization_request import (
    AuthorizationRequest,
    AuthorizationRequests,
)
from intarsia.server.auth.authorization_server.oauth.grants import OFFLINE, Allowed
from intarsia.server.auth.authorization_server.oauth.scope_descriptions import meanings_of
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import Browser, ForgeryError
from intarsia.server.pages.forms import Fields, read_form, read_query
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.pages.templates import draw, draw_stale


class ConsentPage:
    """The page where people allow an app what they choose. It is always shown, whatever was allowed before.

    Args:
        catalog: What access is given to.
        services: What it works with.
        login_page: Where people sign in before.
    """

    def __init__(self, catalog: Catalog, services: AuthServices, login_page: LoginPage) -> None:
        self._catalog = catalog
        self._services = services
        self._login_page = login_page
        self._questions = AuthorizationRequests(services.store)

    async def authorize(self, request: Request) -> Response:
        """Answer to a person whom an app sends here: sign in first, then choose."""
        browser = await self._services.sessions.browser(request)
        try:
            query = read_query(request)
            client_id = query.required("client_id")
            client = await self._services.clients.known(client_id)
            # The site of an app is asked about it only for people who have an account here.
            if is_document(client_id):
                client = await self._services.clients.described(client_id) if browser.account else None
            elif client is None:
                raise OAuthError(Code.INVALID_CLIENT, "The app is not known here. Remove it there, and add it again.")
            redirect_uri = _redirect_uri(query, client) if client else ""
        except OAuthError as error:
            # Without a known app and address there is nobody to send the person back to (RFC 6749, 4.1.2.1).
            return self._refuse(error)
        if browser.account is None or client is None:
            return self._login_page.show(browser, back=request.url.query)
        try:
            stays, known = client.stays, self._catalog.scopes
            asked = AuthorizationRequest.of(
                query, client.id, redirect_uri, self._services.settings, known=known, stays=stays
            )
        except OAuthError as error:
            return self._refuse(error, app=client.name, redirect_uri=redirect_uri, state=_state_of(query))
        return await self._show(browser, client, asked, back=request.url.query)

    async def _show(
        self, browser: Browser, client: Client, asked: AuthorizationRequest, *, back: str, problem: str = ""
    ) -> Response:
        handle = await self._questions.ask(browser.session, asked)
        page = draw(
            "consent",
            status=400 if problem else 200,
            connector=self._catalog.name,
            account=browser.account,
            app=client.name,
            home=client.home,
            answered_at=shown(asked.redirect_uri),
            scopes=meanings_of(self._catalog, asked.scopes, frozenset()),
            stays=asked.stays,
            offline=OFFLINE,
            lasts=_in_words(self._services.settings.access_seconds),
            problem=problem,
            question=handle,
            form_token=browser.form_token,
            back=back,
        )
        return self._services.sessions.remember(page, browser)

    async def decide(self, request: Request) -> Response:
        """Answer to the person's choice."""
        browser = await self._services.sessions.browser(request)
        try:
            form = await read_form(request)
            self._services.sessions.check_form(request, form, browser)
            asked = await self._questions.take(browser.session, form.one("question") or "") if browser.account else None
            answer, back = form.one("answer"), form.one("back") or ""
            client = await self._client_of(asked) if asked else None
        except (OAuthError, ForgeryError):
            return draw_stale(self._catalog.name)
        if browser.account is None or asked is None or client is None or answer not in ("allow", "deny"):
            return draw_stale(self._catalog.name)
        if answer == "deny":
            return self._send_back(client.name, asked, error="access_denied")
        ticked = form.many("scope")
        if asked.scopes and not ticked & set(asked.scopes):
            return await self._show(browser, client, asked, back=back, problem="Tick what you allow, or choose Cancel.")
        if client.kind == "document":
            await self._services.clients.keep(client)
        # In the answer no scope stands that was not asked for.
        named = {*asked.scopes, *([OFFLINE] if asked.names_it else [])}
        allowed = Allowed(
            account=browser.account, client=client.id, scopes=ticked & named, redirect_uri=asked.redirect_uri,
            stays=(OFFLINE in ticked) if asked.stays else None, challenge=asked.challenge,
        )  # fmt: skip
        return self._send_back(client.name, asked, code=await self._services.grants.allow(allowed))

    async def _client_of(self, asked: AuthorizationRequest) -> Client | None:
        if is_document(asked.client):
            return await self._services.clients.described(asked.client)
        return await self._services.clients.known(asked.client)

    def _send_back(self, app: str, asked: AuthorizationRequest, **answer: str) -> Response:
        """Return a page that goes on to the app by itself, and by a link.

        Not a redirect: `form-action` holds for redirects after a form too, however many the app adds.
        """
        issuer = self._services.settings.public_url
        link = with_answer(asked.redirect_uri, **answer, state=asked.state, iss=issuer)
        is_allowed = "code" in answer
        return draw(
            "notice", headers={"Refresh": f"0; url={link}"}, connector=self._catalog.name,
            title=f"{app} is connected" if is_allowed else f"{app} was not connected",
            text="You can close this page if it does not go on by itself." if is_allowed else "Nothing was granted.",
            link=link, label=f"Go on to {shown(asked.redirect_uri)}",
        )  # fmt: skip

    def _refuse(
        self, error: OAuthError, *, app: str = "", redirect_uri: str = "", state: str | None = None
    ) -> Response:
        """Return a page that says what is wrong. It leads to a known app by a link alone (RFC 9700, section 4.11.2)."""
        issuer = self._services.settings.public_url
        told: dict[str, Any] = {"error": error.code, "error_description": error.description, "state": state}
        link = with_answer(redirect_uri, **told, iss=issuer) if redirect_uri else ""
        return draw(
            "notice", status=400, connector=self._catalog.name,
            title=f"{app} could not be connected" if app else "The app could not be connected",
            text=error.description, link=link, label=f"Go back to {shown(redirect_uri)}" if link else "",
        )  # fmt: skip


def _in_words(seconds: int) -> str:
    hours, minutes = seconds / 3600, round(seconds / 60)
    if hours == 1:
        return "an hour"
    return f"{hours:g} hours" if hours.is_integer() else f"{minutes} minute{'s' if minutes > 1 else ''}"


def _redirect_uri(query: Fields, client: Client) -> str:
    sent = query.one("redirect_uri")
    if sent is None:
        # OAuth 2.1, section 4.1.1: it may be left out when there is just one.
        sent = client.redirect_uris[0] if len(client.redirect_uris) == 1 else ""
    if not is_registered(sent, client.redirect_uris):
        raise OAuthError(
            Code.INVALID_REDIRECT_URI, "The address that the app wants to be answered at is not one of its own."
        )
    return sent


def _state_of(query: Fields) -> str | None:
    try:
        return query.one("state")
    except OAuthError:
        return None
