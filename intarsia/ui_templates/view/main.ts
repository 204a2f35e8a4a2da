/** The View: all of ours first, then htmx, so that ours lies together. gzip looks back 32 KB only, and htmx is longer. */

import "./start";

import htmx from "htmx.org";

import { startEngine } from "./engine";

startEngine(htmx);
