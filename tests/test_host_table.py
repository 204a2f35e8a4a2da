"""The page on hosts says what the facts say."""

from scripts.host_table import PAGE, acts, context_form, load_hosts, render_page


def test_the_page_is_the_one_that_the_facts_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page(), "run python -m scripts.host_table"


def test_hosts_differ_where_widgets_do() -> None:
    hosts = load_hosts()

    assert [name for name, host in hosts.items() if host["widgets"] and not acts(host)] == ["goose"]
    assert context_form(hosts["vscode"]) == "structured content"
    assert {context_form(hosts[name]) for name in ("slack", "cursor", "goose")} == {"no"}
    assert context_form(hosts["claude"]) == context_form(hosts["copilot"]) == "text"
