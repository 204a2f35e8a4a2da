/** The View's entry: our own modules first, htmx last. gzip looks back 32 KB only, so code that is alike must be close. */

import "./boot";

import htmx from "htmx.org";

import { startHtmx } from "./dom/htmx";

startHtmx(htmx);
