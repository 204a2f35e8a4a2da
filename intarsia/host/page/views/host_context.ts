/** The host context and capabilities that a View receives. */

import type { Tool } from "@modelcontextprotocol/client";
import type { McpUiHostCapabilities, McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";
import type { Display, Faults, Settings } from "../settings/store";
import { styleVariables } from "./style_variables";

export interface Place {
  tool: Tool;
  callId: number;
  display: Display;
  /** Pixels that the frame is wide now. */
  width: number;
  /** Pixels that the frame is high now; sent in fullscreen only, where the host decides it. */
  height: number;
}

/** The host context for one View. */
export function hostContext(settings: Settings, place: Place): McpUiHostContext {
  const { faults, phone } = settings;
  return {
    theme: settings.theme,
    locale: settings.locale,
    timeZone: settings.time_zone,
    userAgent: "intarsia-host/0.1.0",
    platform: phone ? "mobile" : "web",
    deviceCapabilities: { touch: phone, hover: !phone },
    displayMode: place.display,
    availableDisplayModes: phone || faults.lacks.includes("fullscreen") ? ["inline"] : ["inline", "fullscreen"],
    containerDimensions: dimensions(settings, place),
    safeAreaInsets: { top: 0, right: 0, bottom: 0, left: 0 },
    ...(settings.variables === "all" && { styles: { variables: styleVariables() } }),
    ...(!faults.no_tool_info && { toolInfo: { id: place.callId, tool: named(place.tool, faults) } }),
  };
}

function named(tool: Tool, { name_prefix }: Faults): Tool {
  return name_prefix ? { ...tool, name: name_prefix + tool.name } : tool;
}

function dimensions(settings: Settings, place: Place): NonNullable<McpUiHostContext["containerDimensions"]> {
  if (place.display === "fullscreen") return { width: place.width, height: place.height };
  return settings.max_height > 0 ? { width: place.width, maxHeight: settings.max_height } : { width: place.width };
}

/** What the host can do for any View. */
export function hostCapabilities({ lacks }: Faults): McpUiHostCapabilities {
  const all: McpUiHostCapabilities = {
    serverTools: {},
    serverResources: {},
    openLinks: {},
    logging: {},
    message: { text: {} },
    updateModelContext: { text: {}, structuredContent: {} },
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !lacks.includes(name)));
}
