/** Who the page is for the connector: the token that goes out with each request, and what is refused to it. */

import type { FetchLike } from "@modelcontextprotocol/client";

/** The specification's code for what a host refuses. */
export const REFUSED = -32000;

/** The connector does not know who asks. */
export class SignedOutError extends Error {
  readonly code = REFUSED;

  constructor() {
    super("You are signed out of this connector. Connect again.");
  }
}

/** The connector wants to be allowed more than it was (HTTP 403, `insufficient_scope`). */
export class MissingScopesError extends Error {
  readonly code = REFUSED;

  constructor(
    reason: string,
    readonly scopes: readonly string[],
  ) {
    super(reason);
  }
}

/** How a call is made. */
export interface Making {
  readonly signal?: AbortSignal | undefined;
  /** Whether it only reads, so that it can be made again as somebody else. */
  readonly isRead: boolean;
  /** Whether the person may be asked for what is missing. */
  mayAsk(): boolean;
}

/** Gets what is missing granted, or does not. */
export type Widen = (missing: MissingScopesError) => Promise<boolean>;

export class Access {
  /** Asks the person for more. Where nobody can be asked, nothing more is granted. */
  widen: Widen = async () => false;
  /** Told when the connector knows nobody by the token that was sent. */
  onSignedOut: () => void = () => undefined;
  #token: string | null;
  #turn = new AbortController();

  /** `hear` is told what the connector says when it refuses a whole request; no token is in it. */
  constructor(
    token: string | null,
    private readonly hear: (message: object) => void,
  ) {
    this.#token = token;
  }

  /** Uses another token from now on. Reads that wait begin anew with it; without one, the connector ends them. */
  use(token: string | null): void {
    this.#token = token;
    if (token !== null) this.renew();
  }

  /** Begins reads anew that wait: what the person is allowed has changed. */
  renew(): void {
    const before = this.#turn;
    this.#turn = new AbortController();
    before.abort();
  }

  /** Sends a request with the token of the moment, which is noted nowhere: traffic holds messages alone. */
  readonly fetch: FetchLike = async (url, init) => {
    const headers = new Headers(init?.headers);
    const token = this.#token;
    if (token !== null) headers.set("Authorization", `Bearer ${token}`);
    const answer = await fetch(url, { ...init, headers });
    if (answer.status !== 401 && answer.status !== 403) return answer;
    const refusal = await this.#refusalIn(answer.clone());
    if (!refusal) return answer;
    if (refusal instanceof SignedOutError && token === this.#token) this.onSignedOut();
    throw refusal;
  };

  /** Makes a call; what the person grants when they are asked lets it be made once more. */
  async make<Result>(call: (signal?: AbortSignal) => Promise<Result>, how: Making): Promise<Result> {
    const turn = this.#turn.signal;
    const signals = [how.signal, how.isRead ? turn : undefined].filter((signal) => signal !== undefined);
    try {
      return await call(signals.length ? AbortSignal.any(signals) : undefined);
    } catch (error) {
      if (how.signal?.aborted) throw error;
      if (how.isRead && turn.aborted) return this.make(call, how);
      const refusal = refusalOf(error);
      if (refusal instanceof MissingScopesError && how.mayAsk() && (await this.widen(refusal))) return call(how.signal);
      throw refusal ?? error;
    }
  }

  async #refusalIn(answer: Response): Promise<SignedOutError | MissingScopesError | null> {
    const said = (await answer.json().catch(() => null)) as Said | null;
    if (said?.jsonrpc) this.hear(said);
    if (answer.status === 401) return new SignedOutError();
    const challenge = answer.headers.get("WWW-Authenticate") ?? "";
    if (!challenge.includes('error="insufficient_scope"')) return null;
    const needed = said?.error?.data?.missing_scopes ?? /\bscope="([^"]*)"/.exec(challenge)?.[1]?.split(" ") ?? [];
    return new MissingScopesError(said?.error?.message ?? "More access is needed for this.", needed);
  }
}

interface Said {
  jsonrpc?: string;
  error?: { message?: string; data?: { missing_scopes?: string[] } };
}

/** The refusal in an error: the client may have put it into another one. */
export function refusalOf(error: unknown): SignedOutError | MissingScopesError | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof SignedOutError || one instanceof MissingScopesError) return one;
  }
  return null;
}
