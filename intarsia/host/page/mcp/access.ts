/** The page's authorization: the token of each request, and what happens when the connector refuses one. */

import type { FetchLike } from "@modelcontextprotocol/client";

/** The specification's error code for a refusal by the host. */
export const REFUSED = -32000;

/** The connector does not accept the token (HTTP 401). */
export class SignedOutError extends Error {
  readonly code = REFUSED;

  constructor() {
    super("You are signed out of this connector. Connect again.");
  }
}

/** The token lacks scopes (HTTP 403, `insufficient_scope`). */
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
  /** Whether it only reads, so that it can be repeated with another token. */
  readonly isRead: boolean;
  /** Whether the user may be asked to grant more. */
  mayAsk(): boolean;
}

/** Asks for the missing scopes; resolves with whether they were granted. */
export type Widen = (missing: MissingScopesError) => Promise<boolean>;

export class Access {
  /** Asks the user to grant more. Without a user to ask, nothing is granted. */
  widen: Widen = async () => false;
  /** Runs when the connector does not accept the token. */
  onSignedOut: () => void = () => undefined;
  #token: string | null;
  #turn = new AbortController();

  /** `hear` receives the response to a request that was refused as a whole; it contains no token. */
  constructor(
    token: string | null,
    private readonly hear: (message: object) => void,
  ) {
    this.#token = token;
  }

  /** Uses another token from now on. Reads that wait are repeated with it; without one, the connector ends them. */
  use(token: string | null): void {
    this.#token = token;
    if (token !== null) this.renew();
  }

  /** Repeats reads that wait: the user's permissions have changed. */
  renew(): void {
    const before = this.#turn;
    this.#turn = new AbortController();
    before.abort();
  }

  /** Sends a request with the current token. It is not logged: the traffic log has messages only. */
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

  /** Makes a call, and repeats it once when the user grants the scopes that it lacks. */
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

/** The refusal in an error: the client may have wrapped it. */
export function refusalOf(error: unknown): SignedOutError | MissingScopesError | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof SignedOutError || one instanceof MissingScopesError) return one;
  }
  return null;
}
