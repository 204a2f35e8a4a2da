/** A View on the official `App`: the oracle that the host is tested with. */

import { App } from "@modelcontextprotocol/ext-apps/app-with-deps";

interface Heard {
  event: string;
  params: unknown;
}

declare global {
  interface Window {
    oracle: { app: App; heard: Heard[] };
  }
}

const heard: Heard[] = [];
const app = new App(
  { name: "oracle", version: "1.0.0" },
  { availableDisplayModes: ["inline", "fullscreen"] },
  { autoResize: document.documentElement.dataset["sizes"] === "own" },
);
window.oracle = { app, heard };

for (const event of ["toolinput", "toolresult", "toolcancelled", "hostcontextchanged"] as const) {
  app.addEventListener(event, (params: unknown) => {
    heard.push({ event, params });
    show(event, params);
  });
}
app.onteardown = () => {
  heard.push({ event: "teardown", params: {} });
  return {};
};

function show(event: string, params: unknown): void {
  const line = document.createElement("p");
  line.className = event;
  line.textContent = `${event} ${JSON.stringify(params)}`.slice(0, 200);
  document.body.append(line);
}

await app.connect();
document.documentElement.style.colorScheme = app.getHostContext()?.theme ?? "light";
show("connected", app.getHostVersion());
