/** A board as React would draw it, with the official App class: only its size is compared. */

import { App } from "@modelcontextprotocol/ext-apps/app-with-deps";
import { createElement as make, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

interface Task {
  readonly id: string;
  readonly title: string;
  readonly facts: readonly string[];
}

interface Stage {
  readonly title: string;
  readonly cards: readonly Task[];
}

const app = new App({ name: "app", version: "1" }, {});

function Board(): React.ReactNode {
  const [stages, setStages] = useState<readonly Stage[]>([]);
  useEffect(() => {
    app.addEventListener("toolresult", ({ structuredContent }) => {
      setStages((structuredContent as { stages?: readonly Stage[] } | undefined)?.stages ?? []);
    });
    void app.connect();
  }, []);
  return stages.map(({ title, cards }) =>
    make("section", { key: title }, [
      make("h3", { key: "title" }, title),
      cards.map((card) => make("li", { key: card.id, id: card.id }, [card.title, ...card.facts])),
    ]),
  );
}

createRoot(document.body).render(make(Board));
