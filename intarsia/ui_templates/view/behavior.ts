/**
 * The interface between the View and a widget's `behavior.ts`: the registry, and the `View` that a behavior is given.
 *
 * A behavior adds what markup alone cannot do (a drag, a live preview). Everything that needs no gesture belongs into
 * the template: see "What the markup says to the View" in `docs/on-the-wire.md`. Behaviors import no other module of
 * the View, so that those can change.
 */

/** Why an action was not done. `offline`: no response came, twice. `busy`: the server asked to send it later, again and again. */
export type ProblemKind =
  | "invalid"
  | "refused"
  | "conflict"
  | "unknown_tool"
  | "failed"
  | "off"
  | "superseded"
  | "busy"
  | "too_large"
  | "offline";

/** How an action ended. When the promise resolves, the widget in the document is up to date. */
export type Outcome =
  | { readonly ok: true; readonly message: string }
  | { readonly ok: false; readonly kind: ProblemKind; readonly message: string };

/** Where a widget may be shown. */
export type DisplayMode = "inline" | "fullscreen" | "pip";

/** The host's context of the widget. Any of it may change while the widget is open. */
export interface ViewContext {
  /** BCP 47, such as "en-GB"; the browser's own when the host names none. */
  readonly locale: string;
  /** IANA name, such as "Europe/Paris"; undefined means the browser's own. */
  readonly timeZone: string | undefined;
  /** The user points with a finger. */
  readonly touch: boolean;
  readonly displayMode: DisplayMode;
  /** The modes that the host offers; request no other. */
  readonly displayModes: readonly DisplayMode[];
  readonly theme: "light" | "dark" | undefined;
  /** The available size in CSS pixels: `width`/`height` are fixed, `maxWidth`/`maxHeight` are limits. */
  readonly containerDimensions: {
    readonly width?: number;
    readonly maxWidth?: number;
    readonly height?: number;
    readonly maxHeight?: number;
  };
}

/** The status line under the widget: the last message, also read out by screen readers. */
export interface Status {
  /** Shows a message as plain text, replacing the last one. */
  show(message: string): void;
  /** Shows why something was not done, with a Dismiss button. */
  problem(message: string): void;
  clear(): void;
}

/** What a behavior can do with the View. */
export interface View {
  /**
   * Calls an action through the outlet of that name (`data-outlet="move"`).
   *
   * @param outlet the outlet's name
   * @param detail arguments of the gesture; they override all others
   * @param from the element it is about: the nearest `data-item` on it or around it is merged in **when the call
   *   is sent**, so that a version in it is never older than the last response. Leave a version out of `detail`.
   * @returns the outcome; it never rejects. By then the response's widget is in the document and its message (with Undo,
   *   or the reason) in the status line, so a behavior shows nothing itself. A move that the behavior made ahead of the
   *   response is undone when the outcome is not ok.
   *
   * Actions wait for each other. A response shows the server's state, without the actions that still wait: repeat
   * pending moves in `patched`, which runs before the browser paints.
   */
  act(outlet: string, detail?: Record<string, unknown>, from?: Element): Promise<Outcome>;

  /**
   * Keeps updates out of the document until released, for the time of a drag. Also pauses polling.
   *
   * @returns releases the hold; calling it again does nothing. Call `act` before it.
   */
  hold(): () => void;

  /** Says something to a screen reader, and shows nothing. */
  announce(text: string): void;

  /** Calls the widget's own tool with this argument changed; `""` or `null` leaves the argument out. */
  filter(name: string, value: unknown): Promise<Outcome>;

  /** Stores values that are not saved yet (`null` deletes them): delayed, coalesced, the last ones win. */
  draft(values: Record<string, unknown> | null): void;

  /** The tool that returned the widget, and its arguments. */
  readonly widget: { readonly tool: string; readonly arguments: Readonly<Record<string, unknown>> };

  readonly context: ViewContext;

  /**
   * The height that the whole View may take inline, in CSS pixels; Infinity in other display modes. Ask again at each
   * change of the context.
   */
  room(): number;

  /** Runs the listener at each change of the context. Returns a function that stops it. */
  onContext(listener: (context: ViewContext) => void): () => void;

  /** Requests a display mode. Resolves to the mode that applies now, which may be another. */
  requestDisplayMode(mode: DisplayMode): Promise<DisplayMode>;

  readonly status: Status;
}

/** A behavior that runs on one widget. */
export interface Running {
  /**
   * The document changed. Runs before the browser paints.
   *
   * @param isNew an update was shown, so every list is in the server's order; else an item, a part or the lists were
   *   put back to what the server had sent before
   */
  patched?(isNew: boolean): void;
  /** The widget left the document, or the View is closing: stop timers and listeners outside of the widget. */
  stop?(): void;
}

/**
 * Starts a behavior on a widget that entered the document.
 *
 * @param root the element with `data-intarsia`. It stays the same element while updates change its content, so add
 *   listeners to `root`, not to elements inside.
 */
export type Behavior = (root: HTMLElement, view: View) => Running;

const behaviors = new Map<string | undefined, Behavior>();

/** Registers the behavior of a kind of widget, when its module is loaded: `defineBehavior("task_board", …)`. */
export function defineBehavior(kind: string, behavior: Behavior): void {
  behaviors.set(kind, behavior);
}

const running = new Map<HTMLElement, Running & { readonly kind: string | undefined }>();

/** Starts, notifies and stops behaviors after the document changed. For the View's own use. */
export function syncBehaviors(place: ParentNode, view: View, isNew: boolean): void {
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

/** Stops every behavior: the View is closing. For the View's own use. */
export function stopBehaviors(): void {
  for (const root of [...running.keys()]) stopBehavior(root);
}

function stopBehavior(root: HTMLElement): void {
  const entry = running.get(root);
  running.delete(root);
  entry?.stop?.();
}
