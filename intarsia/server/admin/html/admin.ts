/** htmx for the pages of an admin: what changed is put into the page, so that place and focus stay. See `frame.html`. */

import "htmx.org";
