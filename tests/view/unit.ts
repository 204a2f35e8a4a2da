/** Tests of modules that need no browser: collected here, run by Node, read by `test_poll_state.py`. */

/** The error of each test by its name; null for one that passed. */
const results: Record<string, string | null> = {};

/** Runs a test. */
export function test(name: string, run: () => void): void {
  try {
    run();
    results[name] = null;
  } catch (error) {
    results[name] = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

const write = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (each === undefined ? "undefined" : each === Infinity ? "Infinity" : each));

/** Compares values by what they hold. */
export function equal(actual: unknown, expected: unknown, about = ""): void {
  if (write(actual) !== write(expected)) throw new Error(`${about} is ${write(actual)}, not ${write(expected)}`);
}

/** Prints the results when all tests have run. */
queueMicrotask(() => console.log(JSON.stringify(results)));
