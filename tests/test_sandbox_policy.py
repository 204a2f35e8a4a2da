"""The policy that the sandbox proxy puts on a widget."""

import pytest

from intarsia.errors import SettingError
from intarsia.host import content_security_policy


def directives(policy: str) -> dict[str, str]:
    return {name: sources for name, _, sources in (part.partition(" ") for part in policy.split("; "))}


def test_a_widget_that_declares_nothing_gets_no_network() -> None:
    assert content_security_policy(None) == (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; media-src 'self' data:; object-src 'none'; connect-src 'none'"
    )


def test_declared_domains_go_where_the_specification_says() -> None:
    policy = directives(
        content_security_policy(
            {
                "connectDomains": ["https://api.example.com", "wss://live.example.com"],
                "resourceDomains": ["https://*.example.com"],
                "frameDomains": ["https://video.example.com"],
                "baseUriDomains": ["https://base.example.com"],
            }
        )
    )
    assert policy["connect-src"] == "'self' https://api.example.com wss://live.example.com"
    for name in ("script-src", "style-src", "img-src", "font-src", "media-src"):
        assert policy[name].endswith(" https://*.example.com")
    assert policy["frame-src"] == "https://video.example.com"
    assert policy["base-uri"] == "https://base.example.com"


def test_a_widget_that_declares_an_empty_policy_may_frame_nothing() -> None:
    policy = directives(content_security_policy({}))
    assert (policy["frame-src"], policy["base-uri"], policy["connect-src"]) == ("'none'", "'self'", "'self'")


def test_only_the_loose_flavor_allows_eval() -> None:
    assert "'unsafe-eval'" not in content_security_policy({}, "spec") + content_security_policy({}, "opaque")
    assert "'unsafe-eval'" in directives(content_security_policy(None, "loose"))["script-src"]


@pytest.mark.parametrize(
    "source",
    ["*", "https:", "'unsafe-eval'", "https://a.example; script-src *", "https://a.example 'self'", "data:", ""],
)
def test_what_is_no_origin_is_refused(source: str) -> None:
    with pytest.raises(SettingError, match="resourceDomains of the widget's CSP"):
        content_security_policy({"resourceDomains": [source]})
