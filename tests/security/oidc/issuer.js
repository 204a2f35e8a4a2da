// An OpenID provider of somebody else's making, on a free port of this machine. Commands come as lines of JSON on the
// standard input; each is answered by one line of JSON. It ends with its input.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const SCOPES = "tasks:read tasks:write";
const ROLES = { ada: ["editor"], eve: ["admin"] };

const client = (client_id) => ({
  client_id,
  client_secret: "made-up-secret",
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  redirect_uris: ["http://127.0.0.1/callback"],
});

const disabled = new Set();
const asked = {};
let issuer;
let provider;

const features = {
  clientCredentials: { enabled: true },
  devInteractions: { enabled: true },
  introspection: {
    enabled: true,
    allowedPolicy: (_ctx, asking, token) => asking.clientId === "inlay" && !disabled.has(token.accountId),
  },
  resourceIndicators: {
    enabled: true,
    getResourceServerInfo: (_ctx, resource, asking) => ({
      scope: SCOPES,
      audience: resource,
      accessTokenFormat: asking.clientId.startsWith("opaque") ? "opaque" : "jwt",
      accessTokenTTL: 600,
      jwt: { sign: { alg: "RS256" } },
    }),
    useGrantedResource: () => true,
  },
  revocation: { enabled: true, allowedPolicy: () => true },
};

const configuration = {
  clients: [
    client("signed"),
    client("opaque"),
    { client_id: "inlay", client_secret: "another made-up: secret/", grant_types: [], redirect_uris: [], response_types: [] },
  ],
  cookies: { keys: ["made up for this process"] },
  extraTokenClaims: (_ctx, token) => ({ roles: ROLES[token.accountId] ?? [] }),
  features,
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  issueRefreshToken: () => true,
  scopes: ["openid", "offline_access", ...SCOPES.split(" ")],
};

const commands = {
  keys: ({ jwks }) => {
    provider = new Provider(issuer, { ...configuration, jwks });
  },
  disable: ({ account }) => disabled.add(account),
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, issuer);
  asked[pathname] = (asked[pathname] ?? 0) + 1;
  provider.callback()(request, response);
});

server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const { command, ...given } = JSON.parse(line);
    commands[command]?.(given);
    process.stdout.write(`${JSON.stringify({ issuer, asked })}\n`);
  });
  lines.on("close", () => process.exit());
});
