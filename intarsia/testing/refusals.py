"""The assert that a call was refused."""

from collections.abc import Set as AbstractSet

from intarsia.testing.tools import Reply
from intarsia.testing.view import View


def assert_refused(
    answer: Reply | View,
    reason: str = "",
    *,
    missing_scopes: AbstractSet[str] = frozenset(),
    kind: str | None = None,
) -> None:
    """Assert that a call was refused, and that the user sees the reason.

    Args:
        answer: The reply of a tool, or a View after a refused action.
        reason: Text that the message contains.
        missing_scopes: The exact set of missing scopes; in a View, each must be named.
        kind: The kind of the problem, such as `refused`, `conflict` or `invalid`; for replies only.

    Raises:
        AssertionError: The call was not refused, or the message differs.
    """
    if isinstance(answer, View):
        assert kind is None, "A View says no kind of problem; ask the reply of `tools` for it."
        assert answer.problem, f"Nothing is refused in the View. It shows: {answer.text}"
        told = answer.problem
        named = frozenset(scope for scope in missing_scopes if scope in told)
    else:
        assert answer.problem is not None, f"The call was not refused. It says: {answer.text}"
        told = str(answer.problem["message"])
        found = str(answer.problem["kind"])
        assert kind in (None, found), f"The problem is of the kind {found!r}, not {kind!r}: {told}"
        named = frozenset(answer.problem.get("missing_scopes", ()))
    assert reason in told, f"It was refused for another reason than {reason!r}: {told}"
    missing, found_scopes = sorted(missing_scopes), sorted(named)
    assert not missing or missing == found_scopes, f"It says that {found_scopes} are missing, not {missing}: {told}"
