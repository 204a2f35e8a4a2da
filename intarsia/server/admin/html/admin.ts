/** htmx for the admin pages: it morphs changes into the page, which keeps the scroll position and the focus. See `frame.html`. */

import "htmx.org";
