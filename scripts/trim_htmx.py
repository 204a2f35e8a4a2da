"""Removes the code of htmx that a View never runs, before it is bundled.

A View uses three things of htmx: its triggers, its validation and its morph. A request of htmx ends in
`htmx_config_request` (see `view/actions/tool_extension.ts`), so nothing that follows a request can run; and a View must
neither evaluate code nor leave its page. The methods below lose their bodies. Each must be in htmx exactly once: after
an upgrade that moves one of them, bundling stops and names it.
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
"""Sending a request and handling its response."""

REQUEST_FIELDS = ("#createCoreHeaders", "#buildIdentifier", "#resolveTarget", "#addInputValues")
"""Fields of a request that is never sent: the View collects the arguments of a call itself."""

LOOKUPS = (
    "#findAllExt",
    "#findExt",
    "#findOrWarn",
    "#findThisElements",
    "#scanForwardQuery",
    "#scanBackwardsQuery",
    "#scanUntilComparison",
    "#getRootNode",
    "find",
    "findAll",
)
"""Extended selectors (`hx-target`, `hx-include`, `from:`); `view/dom/sanitize.ts` removes what would use them."""

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
"""Rendering a response; the View does that itself, with htmx's morph."""

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
"""Evaluating code from attributes or responses."""

UNUSED = ("#normalizeSwapStyle", "#removeClass", "on", "onLoad", "timeout")
"""Helpers that nothing else calls."""

DROPPED = (*REQUESTS, *REQUEST_FIELDS, *LOOKUPS, *SWAPS, *NAVIGATION, *EVALUATION, *UNUSED)

BLOCKS = {
    "trigger intersect": r"^ {16}// Intersect/revealed: .*?^ {16}\}\n",
    "trigger every": r"^ {16}// Every: .*?^ {16}\}\n",
    "trigger load": r"^ {16}// Load: .*?^ {16}\}\n",
    "rest of a request": r"^ {12}if \(ctx\.request\.method === 'DIALOG'\) return\n.*?(?=^ {8}\}$)",
}
"""Parts of methods: triggers without a user, which `view/dom/sanitize.ts` removes, and what follows a request."""

_METHOD = r"^( {{8}}(?:async )?{name}\([^\n]*\) \{{\n).*?^( {{8}}\}})$"


class TrimError(ValueError):
    """htmx is not as it was expected to be."""


def trim_htmx(source: str) -> str:
    """Empty the methods and remove the blocks that a View never runs.

    Args:
        source: htmx as its package brings it, not minified.

    Raises:
        TrimError: A method or a block is not there, or there twice.
    """
    for name in DROPPED:
        method = re.compile(_METHOD.format(name=re.escape(name)), re.MULTILINE | re.DOTALL)
        source, count = method.subn(r"\1\2", source)
        _expect_one(count, f"methods named {name}")
    for name, pattern in BLOCKS.items():
        source, count = re.subn(pattern, "", source, flags=re.MULTILINE | re.DOTALL)
        _expect_one(count, f"blocks like {name}")
    return source


def _expect_one(count: int, what: str) -> None:
    if count != 1:
        message = f"htmx has {count} {what}; look at what changed in it and correct {__name__}."
        raise TrimError(message)
