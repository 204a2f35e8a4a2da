/**
 * What a widget's `behavior.ts` may use: the registry, and the `View` it is given.
 *
 * A behavior adds what markup alone cannot do (a drag, a live preview). Everything that
 * needs no gesture belongs into the template: see "What the markup says to the View" in
 * `docs/on-the-wire.md`. The View's own modules stay out of reach on purpose.
 */

/** Why an action did not happen. `offline`: no answer came, twice. */
export type ProblemKind =
  | "invalid"
  | "refused"
  | "conflict"
  | "unknown_tool"
  | "failed"
  | "off"
  | "superseded"
  | "offline";

/** How an action ended. When the promise resolves, the true widget is already in the document. */
export type Outcome =
  | { readonly ok: true; readonly message: string }
  | { readonly ok: false; readonly kind: ProblemKind; readonly message: string };

/** Where a widget may be shown. */
export type DisplayMode = "inline" | "fullscreen" | "pip";

/** What the host says about the place the widget is in. Any of it may change while the widget is open. */
export interface ViewContext {
  /** BCP 47, such as "en-GB"; the browser's own when the host names none. */
  readonly locale: string;
  /** IANA name, such as "Europe/Paris"; undefined means the browser's own. */
  readonly timeZone: string | undefined;
  /** The person points with a finger. */
  readonly touch: boolean;
  readonly displayMode: DisplayMode;
  /** The modes that the host offers; ask for no other. */
  readonly displayModes: readonly DisplayMode[];
  readonly theme: "light" | "dark" | undefined;
  /** The room in CSS pixels: `width`/`height` are fixed, `maxWidth`/`maxHeight` are limits. */
  readonly containerDimensions: {
    readonly width?: number;
    readonly maxWidth?: number;
    readonly height?: number;
    readonly maxHeight?: number;
  };
}

/** The line under the widget: the last message, visible to all and read out politely. */
export interface Status {
  /** Shows a sentence as plain text, in place of the last one. */
  show(message: string): void;
  /** Shows why something did not happen, with a Dismiss button. */
  problem(message: string): void;
  clear(): void;
}

/** The door from a behavior to the View. */
export interface View {
  /**
   * Calls an action through the outlet of that name (`data-outlet="move"`).
   *
   * @param outlet the outlet's name
   * @param detail arguments that the gesture gave; they win over all others
   * @param from the element it is about: the nearest `data-item` on it or around it is merged in **when the call
   *   is sent**, so that a version in it is never older than the last answer. Leave a version out of `detail`.
   * @returns the outcome. It never rejects. The answer's widget is in the document by then, and the message
   *   (with Undo or the reason) is in the status line, so a behavior needs to say nothing itself. A move that the
   *   behavior made ahead of the answer is already undone when the outcome is not ok.
   *
   * Actions wait for each other. An answer shows the truth, which lacks what still waits: make moves
   * that are still pending once more in `patched`, which runs before the browser paints.
   */
  act(outlet: string, detail?: Record<string, unknown>, from?: Element): Promise<Outcome>;

  /**
   * Keeps every answer out of the document until released, for the time of a drag. Also pauses refreshing.
   *
   * @returns releases the hold; calling it twice does nothing more. Call `act` before it.
   */
  hold(): () => void;

  /** Says something to a screen reader, politely, and shows nothing. */
  announce(text: string): void;

  /** Calls the widget's own tool with this argument changed; `""` or `null` takes the argument away. */
  filter(name: string, value: unknown): Promise<Outcome>;

  /** Stores values that are not saved yet (`null` forgets them); late, coalesced, the last one wins. */
  draft(values: Record<string, unknown> | null): void;

  /** The tool that made the widget, and the arguments it was run with. */
  readonly widget: { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

  readonly context: ViewContext;

  /** Runs the listener at each change of the context, not now. Returns what stops it. */
  onContext(listener: (context: ViewContext) => void): () => void;

  /** Asks the host for a display mode. Resolves to the one that holds now, which may be another. */
  requestDisplayMode(mode: DisplayMode): Promise<DisplayMode>;

  readonly status: Status;
}

/** A behavior at work on one widget. */
export interface Running {
  /**
   * The document changed. Runs before the browser paints.
   *
   * @param isNew an answer was shown, so every list is in the server's order; else a piece, or the lists, were put
   *   back to what the server had said before
   */
  patched?(isNew: boolean): void;
  /** The widget left the document or the View is closing: stop timers and outside listeners. */
  stop?(): void;
}

/**
 * What a widget kind adds to its markup: starts on a widget that entered the document.
 *
 * @param root the element with `data-intarsia`. It stays the same element, and listeners on it stay, while answers change
 *   what is inside; so listen on `root`, not on what is in it.
 */
export type Behavior = (root: HTMLElement, view: View) => Running;

const behaviors = new Map<string | undefined, Behavior>();

/** Registers the behavior of a widget kind, once, when its module is loaded: `defineBehavior("task_board", …)`. */
export function defineBehavior(kind: string, behavior: Behavior): void {
  behaviors.set(kind, behavior);
}

const running = new Map<HTMLElement, Running & { readonly kind: string | undefined }>();

/** Starts, tells and stops behaviors after the document changed. For the View's own use. */
export function tendBehaviors(place: ParentNode, view: View, isNew: boolean): void {
  for (const [root, entry] of running) {
    if (root.isConnected && root.dataset.intarsia === entry.kind) entry.patched?.(isNew);
    else stopBehavior(root);
  }
  for (const root of place.querySelectorAll<HTMLElement>("[data-intarsia]")) {
    const kind = root.dataset.intarsia;
    const start = behaviors.get(kind);
    if (start && !running.has(root) && !root.closest("[hx-ignore]")) running.set(root, { kind, ...start(root, view) });
  }
}

/** Stops every behavior: the View is closing or shows no widget any more. For the View's own use. */
export function stopBehaviors(): void {
  for (const root of [...running.keys()]) stopBehavior(root);
}

function stopBehavior(root: HTMLElement): void {
  const entry = running.get(root);
  running.delete(root);
  entry?.stop?.();
}
