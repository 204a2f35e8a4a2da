"""Sign-in options of the command line and the environment. Everything else is set in Python."""

from collections.abc import Sequence
from dataclasses import dataclass

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import AdminSignIn, Introspection, Issuer, ResourceServer

SECRET = "INTARSIA_INTROSPECTION_CLIENT_SECRET"  # noqa: S105 - the name of a variable
"""The variable that holds the secret. Every process of the machine can read the arguments of a command."""

ADMIN_SECRET = "INTARSIA_ADMIN_CLIENT_SECRET"  # noqa: S105 - the name of a variable
"""The variable that holds the admin client's secret, for the same reason."""


@dataclass(frozen=True, kw_only=True)
class SignInOptions:
    """The options for sign-in at an issuer; all of them are optional.

    Args:
        resource: The public URL of the connector, such as `https://tasks.example.com/mcp`.
        issuers: The URLs of the accepted issuers.
        audience: The audience of their tokens, if it is not `resource`.
        roles_claim: The claim that holds the user's roles.
        client_id: The client that introspects tokens.
        client_secret: Its secret.
        admin_client_id: The client that signs in admins.
        admin_client_secret: Its secret.
    """

    resource: str | None = None
    issuers: Sequence[str] = ()
    audience: str | None = None
    roles_claim: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    admin_client_id: str | None = None
    admin_client_secret: str | None = None

    def resource_server(self) -> ResourceServer | None:
        """Return the settings, or `None` if the connector has no sign-in.

        Raises:
            SettingError: An option is missing or invalid.
        """
        given = [self.issuers, self.audience, self.roles_claim, self.client_id, self.client_secret]
        given += [self.admin_client_id, self.admin_client_secret]
        if self.resource is None:
            if any(given):
                message = "Sign-in also needs the connector's public address: --resource https://tasks.example.com/mcp"
                raise SettingError(message)
            return None
        if not self.issuers:
            message = "Sign-in needs the issuer of the access tokens: --issuer https://login.example.com"
            raise SettingError(message)
        issuers = [
            Issuer(
                url,
                audience=self.audience,
                roles_claim=self.roles_claim or "roles",
                introspection=self._introspection(),
            )
            for url in self.issuers
        ]
        return ResourceServer(self.resource, issuers, admin=self._admin())

    def _admin(self) -> AdminSignIn | None:
        if self.admin_client_id is None:
            if self.admin_client_secret is not None:
                message = f"{ADMIN_SECRET} is set without a client: name it with --admin-client-id."
                raise SettingError(message)
            return None
        return AdminSignIn(client_id=self.admin_client_id, client_secret=self.admin_client_secret)

    def _introspection(self) -> Introspection | None:
        if self.client_id is None and self.client_secret is None:
            return None
        if not (self.client_id and self.client_secret):
            message = f"Introspection needs --introspection-client-id, and the client's secret in {SECRET}."
            raise SettingError(message)
        return Introspection(client_id=self.client_id, client_secret=self.client_secret)
