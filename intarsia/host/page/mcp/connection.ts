/** The host's side of MCP: one client, in either protocol era, to the connector on this page's own origin. */

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { CallToolRequest, CallToolResult, ReadResourceResult, Tool } from "@modelcontextprotocol/client";
import type { McpUiResourceCsp, McpUiResourcePermissions } from "@modelcontextprotocol/ext-apps/app-bridge";
import { refusalOf, type Access } from "./access";
import { HOST_INFO } from "./bridge";
import type { Era } from "../settings/store";
import { tap, type Traffic } from "../traffic/log";

const UI_EXTENSION = "io.modelcontextprotocol/ui";
const UI_MIME_TYPE = "text/html;profile=mcp-app";
const CALL_TIMEOUT_MS = 300_000;

export interface UiMeta {
  csp?: McpUiResourceCsp;
  permissions?: McpUiResourcePermissions;
  prefersBorder?: boolean;
}

/** A View's document and what its resource declares. */
export interface ViewDocument {
  html: string;
  ui: UiMeta;
}

type ToolUi = { resourceUri?: string; visibility?: string[] };

export class Connection {
  tools: Tool[] = [];

  private constructor(private readonly client: Client) {}

  /** Connects and reads the tools. */
  static async open(address: URL, era: Era, traffic: Traffic, access: Access): Promise<Connection> {
    const client = new Client(HOST_INFO, {
      capabilities: { extensions: { [UI_EXTENSION]: { mimeTypes: [UI_MIME_TYPE] } } },
      versionNegotiation: { mode: negotiation(era) },
    });
    const transport = tap(new StreamableHTTPClientTransport(address, { fetch: access.fetch }), (message, way) => {
      if (way === "sent") traffic.add("host", "server", null, message);
      else traffic.add("server", "host", null, message);
    });
    try {
      await client.connect(transport);
      const connection = new Connection(client);
      await connection.readTools();
      return connection;
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  }

  /** Reads the tools, which also shows whether the token is still accepted. */
  async readTools(): Promise<void> {
    this.tools = (await this.client.listTools({}, { cacheMode: "refresh" })).tools;
  }

  get name(): string {
    const info = this.client.getServerVersion();
    return info?.title ?? info?.name ?? "Connector";
  }

  get protocolVersion(): string {
    return this.client.getNegotiatedProtocolVersion() ?? "";
  }

  tool(name: string): Tool | undefined {
    return this.tools.find((tool) => tool.name === name);
  }

  callTool(params: CallToolRequest["params"], signal?: AbortSignal): Promise<CallToolResult> {
    return this.client.callTool(params, { timeout: CALL_TIMEOUT_MS, ...(signal && { signal }) });
  }

  readResource(uri: string): Promise<ReadResourceResult> {
    return this.client.readResource({ uri });
  }

  /** Reads a View. What its content declares overrides what its listing declares. */
  async readView(uri: string): Promise<ViewDocument> {
    const { contents } = await this.client.readResource({ uri });
    const content = contents.find((one) => one.mimeType === UI_MIME_TYPE);
    if (!content) throw new Error(`${uri} holds no ${UI_MIME_TYPE}.`);
    const html = "text" in content ? content.text : decodeBase64(content.blob);
    return { html, ui: uiMeta(content._meta) ?? (await this.#listedMeta(uri)) ?? {} };
  }

  async #listedMeta(uri: string): Promise<UiMeta | undefined> {
    const { resources } = await this.client.listResources();
    return uiMeta(resources.find((resource) => resource.uri === uri)?._meta);
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

function negotiation(era: Era): "auto" | "legacy" | { pin: string } {
  if (era === "2025-11-25") return "legacy";
  return era === "auto" ? "auto" : { pin: era };
}

function uiMeta(meta: Record<string, unknown> | undefined): UiMeta | undefined {
  return meta?.["ui"] as UiMeta | undefined;
}

function decodeBase64(blob: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(blob), (character) => character.charCodeAt(0)));
}

function toolUi(tool: Tool): ToolUi {
  return (tool._meta?.["ui"] as ToolUi | undefined) ?? {};
}

/** The address of a tool's View: in its place, or where older servers have it. */
export function viewUri(tool: Tool): string | undefined {
  const uri = toolUi(tool).resourceUri ?? tool._meta?.["ui/resourceUri"];
  return typeof uri === "string" ? uri : undefined;
}

/** Whether a model, or a View, may see and call a tool. */
export function isVisibleTo(tool: Tool, who: "model" | "app"): boolean {
  return toolUi(tool).visibility?.includes(who) ?? true;
}

/** A tool's display name. */
export function titleOf(tool: Tool): string {
  return tool.title ?? tool.annotations?.title ?? tool.name;
}
