/** Formats values with the View's module, without a browser. Run by `view_values.py`: one list a line in, one list a line out. */

import { dataFormatter, type Options, timeFormatter } from "../../intarsia/ui_templates/view/dom/values";

interface Sent {
  readonly element: "data" | "time";
  readonly value: string;
  readonly format: Options;
  readonly locale: string;
  readonly timeZone: string;
  /** The current time, in ISO 8601. */
  readonly now: string;
}

declare const process: {
  stdin: { setEncoding(name: string): void; on(event: "data", take: (text: string) => void): void };
  stdout: { write(text: string): void };
};

function format({ element, value, format: options, locale, timeZone, now }: Sent): string | null {
  const reader = { locale, timeZone, now: () => new Date(now) };
  return (element === "time" ? timeFormatter(options, reader) : dataFormatter(options, reader))(value);
}

let pending = "";
process.stdin.setEncoding("utf-8");
process.stdin.on("data", (text) => {
  const lines = (pending + text).split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) process.stdout.write(`${JSON.stringify((JSON.parse(line) as Sent[]).map(format))}\n`);
});
