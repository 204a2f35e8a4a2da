// An OpenID provider of somebody else's making, on a free port of this machine. Commands come as lines of JSON on the
// standard input; each is answered by one line of JSON. It ends with its input.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const SCOPES = "tasks:read tasks:write";
const ROLES = { ada: ["editor"], eve: ["admin"], ruth: ["intarsia:admin"] };

const client = (client_id, path = "/callback", ...more) => ({
  client_id,
  client_secret: "made-up-secret",
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token", "client_credentials"],
  redirect_uris: [`http://127.0.0.1${path}`, ...more],
});

// A client whose people choose, scope by scope, on pages of their own below; its tokens are opaque.
const CHOOSING = "opaque-chat";

const disabled = new Set();
const grants = new Map();
const asked = {};
let issuer;
let provider;

const features = {
  clientCredentials: { enabled: true },
  devInteractions: { enabled: true },
  introspection: {
    enabled: true,
    allowedPolicy: (_ctx, asking, token) => {
      token.extra = { roles: ROLES[token.accountId] ?? [] }; // those of now, not those of when it was issued
      return asking.clientId === "intarsia" && !disabled.has(token.accountId);
    },
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
    client(CHOOSING, "/host/callback"),
    client("signed-admin", "/admin/callback", "https://tasks.example.com/admin/callback"),
    client("opaque-admin", "/admin/callback", "https://tasks.example.com/admin/callback"),
    { client_id: "intarsia", client_secret: "another made-up: secret/", grant_types: [], redirect_uris: [], response_types: [] },
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
  enable: ({ account }) => disabled.delete(account),
  roles: ({ account, roles }) => {
    ROLES[account] = roles;
  },
  withdraw: async ({ account }) => {
    for (const grantId of grants.get(account) ?? []) {
      for (const kind of ["AccessToken", "RefreshToken", "AuthorizationCode"]) {
        await provider[kind].adapter.revokeByGrantId(grantId);
      }
      await (await provider.Grant.find(grantId))?.destroy();
    }
    grants.delete(account);
  },
};

const PAGE = (title, body) => `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>${title}</title><h1>${title}</h1><form method="post">${body}</form></html>`;
const LOGIN = PAGE("Sign in to the company", `<p><label>Name <input name="login" autocomplete="username"></label></p>
<p><label>Password <input type="password" name="password" autocomplete="current-password"></label></p><button>Sign in</button>`);
const CHOICE = (scopes) => PAGE("What may the app do?", `${scopes.map((scope) =>
  `<p><label><input type="checkbox" name="scope" value="${scope}" checked> ${scope}</label></p>`).join("")}<button>Allow</button>`);

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

async function choose(request, response, { prompt, params, session }) {
  const asked = params.scope.split(" ").filter((scope) => SCOPES.split(" ").includes(scope));
  if (request.method !== "POST") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(prompt.name === "login" ? LOGIN : CHOICE(asked));
    return;
  }
  const form = await read(request);
  if (prompt.name === "login") {
    await provider.interactionFinished(request, response, { login: { accountId: form.get("login") } });
    return;
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const chosen = form.getAll("scope");
  grant.addOIDCScope(`openid ${params.scope}`);
  grant.addResourceScope(params.resource, chosen.join(" "));
  grant.rejectResourceScope(params.resource, asked.filter((scope) => !chosen.includes(scope)).join(" "));
  const grantId = await grant.save();
  grants.set(session.accountId, [...(grants.get(session.accountId) ?? []), grantId]);
  await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
}

async function answer(request, response, pathname) {
  const details = pathname.startsWith("/interaction/") && (await provider.interactionDetails(request, response).catch(() => null));
  if (details?.params?.client_id === CHOOSING) await choose(request, response, details);
  else await provider.callback()(request, response);
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, issuer);
  asked[pathname] = (asked[pathname] ?? 0) + 1;
  answer(request, response, pathname).catch((error) => response.destroy(error));
});

server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const { command, ...given } = JSON.parse(line);
    await commands[command]?.(given);
    process.stdout.write(`${JSON.stringify({ issuer, asked })}\n`);
  });
  lines.on("close", () => process.exit());
});
