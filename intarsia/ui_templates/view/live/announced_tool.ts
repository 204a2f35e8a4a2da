/** The tool that the host announced in its context, and the names that the connector may know it by. */

import { hostContext } from "../host/theme";
import type { Arguments, BoundCall } from "../messages";

/** What hosts put between the name of a server and that of its tool: `server__board`, `server.board`. */
const SEPARATOR = /__|[.:/]/g;

/** The name of the announced tool, then what is left of it without prefixes: the connector knows only its own name. */
function announcedNames(): readonly string[] {
  const name = hostContext().toolInfo?.tool?.name;
  if (!name) return [];
  return [name, ...[...name.matchAll(SEPARATOR)].map(({ index, 0: { length } }) => name.slice(index + length))].filter(Boolean);
}

/** The calls with these arguments: by the names given, then by those that the host announced. */
export function callsOf(names: readonly string[], args: Arguments): readonly BoundCall[] {
  return [...new Set([...names, ...announcedNames()])].map((tool) => ({ tool, arguments: args }));
}

/** The calls of the announced tool; none when an argument is missing that it requires. */
export function toolCalls(args: Arguments): readonly BoundCall[] {
  const required = hostContext().toolInfo?.tool?.inputSchema?.required ?? [];
  return required.every((name) => name in args) ? callsOf([], args) : [];
}
