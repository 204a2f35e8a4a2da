"""Takes out of htmx what a View never runs, before it is bundled.

A View uses three things of htmx: its triggers, its validation and its morph. A request of htmx ends in
`htmx_config_request` (see `view/htmx_tool.ts`), so that nothing which follows a request can ever run; and what
evaluates code or leaves the page is not wanted in a View at all. The methods below lose their bodies. Each must be in
htmx exactly once: after an upgrade that moves one of them, bundling stops and names it.
"""

import re

REQUESTS = (
    "#issueRequest",
    "#extractHxHeaders",
    "#handleHeadersAndMaybeReturnEarly",
    "#initTimeout",
    "#determineSyncStrategy",
    "#getRequestQueue",
    "#handleHxHeaders",
    "#handleTriggerHeader",
    "#handleStatusCodes",
    "#showIndicators",
    "#hideIndicators",
    "#disableElements",
    "#enableElements",
    "#initRequestIndicatorCss",
    "#initializeAbortListener",
    "ajax",
)
"""Sending a request, and what follows from its answer."""

SWAPS = (
    "swap",
    "#processMainSwap",
    "#insertContent",
    "#processPartials",
    "#createOOBTask",
    "#processOOB",
    "#parseSwapSpec",
    "#parseHTML",
    "#makeFragment",
    "#handlePreservedElements",
    "#restorePreservedElements",
    "#insertNodes",
    "#setFocus",
    "#handleAutoFocus",
    "#normalizeScrollTarget",
    "#handleScroll",
    "#handleAnchorScroll",
    "#submitTransitionTask",
    "#processTransitionQueue",
    "#startCSSTransitions",
)
"""Putting an answer into the document; the View does that itself, with htmx's morph."""

NAVIGATION = (
    "#pushUrlIntoHistory",
    "#replaceUrlInHistory",
    "#restoreHistory",
    "#resolveHistoryAction",
    "#handleHistoryUpdate",
    "#maybeBoost",
    "#shouldBoost",
    "#isSameOrigin",
)
"""Leaving the page: a View has no history and no address."""

EVALUATION = (
    "#apiMethods",
    "#executeJavaScript",
    "#handleHxOnAttributes",
    "#processScripts",
    "#getAttributeObject",
    "#extractJavascriptContent",
)
"""Running code that stands in attributes or in answers."""

DROPPED = (*REQUESTS, *SWAPS, *NAVIGATION, *EVALUATION)

_METHOD = r"^( {{8}}(?:async )?{name}\([^\n]*\) \{{\n).*?^( {{8}}\}})$"


class TrimError(ValueError):
    """htmx is not as it was expected to be."""


def trim_htmx(source: str) -> str:
    """Empty the bodies of the methods that a View never runs.

    Args:
        source: htmx as its package brings it, not minified.

    Raises:
        TrimError: A method is not there, or there twice.
    """
    for name in DROPPED:
        method = re.compile(_METHOD.format(name=re.escape(name)), re.MULTILINE | re.DOTALL)
        source, count = method.subn(r"\1\2", source)
        if count != 1:
            message = f"htmx has {count} methods named {name}; look at what changed in it and correct {__name__}."
            raise TrimError(message)
    return source
