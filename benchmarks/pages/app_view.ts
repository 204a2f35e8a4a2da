/** The official App class, and nothing else: puts the HTML of a result into the document. */

import { App } from "@modelcontextprotocol/ext-apps/app-with-deps";

interface Parts {
  readonly whole?: string;
}

const app = new App({ name: "app", version: "1" }, {});
app.addEventListener("toolresult", ({ _meta }) => {
  document.body.innerHTML = (_meta as Parts | undefined)?.whole ?? "";
});
void app.connect();
