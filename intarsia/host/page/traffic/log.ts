/** Remembers every message on both hops: View and host, host and server. */

import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";

export type Party = "view" | "host" | "server";

export interface TrafficEntry {
  number: number;
  from: Party;
  to: Party;
  /** Which View, on the hop between View and host. */
  view: number | null;
  kind: "request" | "answer" | "error" | "notification";
  method: string;
  bytes: number;
  /** Milliseconds since the page was opened. */
  at: number;
  /** For answers: milliseconds since their request. */
  took: number | null;
  message: JSONRPCMessage;
}

const KEPT = 2000;

type Fields = { method?: string; id?: string | number; error?: unknown };

export class Traffic {
  readonly entries: TrafficEntry[] = [];
  readonly #listeners: ((entry: TrafficEntry) => void)[] = [];
  readonly #asked = new Map<string, { method: string; at: number }>();
  #count = 0;

  onEntry(listener: (entry: TrafficEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** Logs one message. */
  add(from: Party, to: Party, view: number | null, message: JSONRPCMessage): void {
    const fields = message as Fields;
    const at = performance.now();
    const request = this.#request(from, to, view, fields, at);
    const entry: TrafficEntry = {
      number: (this.#count += 1),
      from,
      to,
      view,
      kind: kindOf(fields),
      method: fields.method ?? request?.method ?? "(unknown)",
      bytes: new Blob([JSON.stringify(message)]).size,
      at: Math.round(at),
      took: request ? Math.round(at - request.at) : null,
      message,
    };
    this.entries.push(entry);
    if (this.entries.length > KEPT) this.entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  /** Remembers a request, or finds the one that a response belongs to. */
  #request(from: Party, to: Party, view: number | null, fields: Fields, at: number) {
    if (fields.id === undefined) return undefined;
    const key = (asker: Party, other: Party) => `${asker} ${other} ${view} ${fields.id}`;
    if (fields.method !== undefined) {
      this.#asked.set(key(from, to), { method: fields.method, at });
      return undefined;
    }
    const request = this.#asked.get(key(to, from));
    this.#asked.delete(key(to, from));
    return request;
  }
}

function kindOf(fields: Fields): TrafficEntry["kind"] {
  if (fields.method !== undefined) return fields.id === undefined ? "notification" : "request";
  return fields.error === undefined ? "answer" : "error";
}

/** Reports every message of a transport, and changes nothing else about it. */
export function tap<Tapped extends Transport>(
  transport: Tapped,
  heard: (message: JSONRPCMessage, way: "sent" | "received") => void,
): Tapped {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    heard(message, "sent");
    return send(message, options);
  };
  tapReceived(transport, (message) => heard(message, "received"));
  return transport;
}

function tapReceived(transport: Transport, heard: (message: JSONRPCMessage) => void): void {
  let receiver = transport.onmessage;
  // A receiver may call the one before it: the same message is logged once.
  let last: JSONRPCMessage | null = null;
  Object.defineProperty(transport, "onmessage", {
    configurable: true,
    get: () => receiver,
    set: (next: Transport["onmessage"]) => {
      receiver = next && (<Message extends JSONRPCMessage>(message: Message, extra?: Parameters<typeof next>[1]) => {
        if (message !== last) heard(message);
        last = message;
        next(message, extra);
      });
    },
  });
}
