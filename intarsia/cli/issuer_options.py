"""Sign-in as the command line and the environment say it; everything else is said in Python."""

from collections.abc import Sequence
from dataclasses import dataclass

from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import AdminSignIn, Introspection, Issuer, ResourceServer

SECRET = "INTARSIA_INTROSPECTION_CLIENT_SECRET"  # noqa: S105 - the name of a variable
"""Where the secret is read from: on a command line, every process of the machine could read it."""

ADMIN_SECRET = "INTARSIA_ADMIN_CLIENT_SECRET"  # noqa: S105 - the name of a variable
"""As above."""


@dataclass(frozen=True, kw_only=True)
class SignInOptions:
    """What was given, if anything was."""

    resource: str | None = None
    issuers: Sequence[str] = ()
    audience: str | None = None
    roles_claim: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    admin_client_id: str | None = None
    admin_client_secret: str | None = None

    def resource_server(self) -> ResourceServer | None:
        """Return the settings; None when nobody is to sign in.

        Raises:
            SettingError: Something is missing, or cannot work.
        """
        given = [self.issuers, self.audience, self.roles_claim, self.client_id, self.client_secret]
        given += [self.admin_client_id, self.admin_client_secret]
        if self.resource is None:
            if any(given):
                message = "Sign-in needs the connector's public address too: --resource https://tasks.example.com/mcp"
                raise SettingError(message)
            return None
        if not self.issuers:
            message = "Sign-in needs an issuer whose tokens are taken: --issuer https://login.example.com"
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
                message = f"{ADMIN_SECRET} is the secret of a client: name it with --admin-client-id."
                raise SettingError(message)
            return None
        return AdminSignIn(client_id=self.admin_client_id, client_secret=self.admin_client_secret)

    def _introspection(self) -> Introspection | None:
        if self.client_id is None and self.client_secret is None:
            return None
        if not (self.client_id and self.client_secret):
            message = f"Introspection needs --introspection-client-id, and its secret in the variable {SECRET}."
            raise SettingError(message)
        return Introspection(client_id=self.client_id, client_secret=self.client_secret)
