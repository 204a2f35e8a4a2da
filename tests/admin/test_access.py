"""Nobody but admins gets to their pages, and no page of others acts in an admin's name."""

import pytest

from intarsia.server.admin.access import ADMIN
from intarsia.server.admin.routes import FORM_PATHS
from tests.admin.admin_site import BOARD, Office, token_of, turning
from tests.authorization_server.browser import PASSWORD
from tests.authorization_server.sign_in_site import ORIGIN

PAGES = ("/admin", "/admin/log", "/admin/log.csv", "/admin/people", "/admin/preview?tool=task_board",
         "/admin/example?tool=task_board")  # fmt: skip
FORMS = sorted(FORM_PATHS)


@pytest.mark.parametrize("path", PAGES)
async def test_who_is_not_signed_in_gets_the_form_for_it_and_nothing_else(office: Office, path: str) -> None:
    page = await office.place.browser().get(path)

    assert [form.action for form in page.forms] == ["/sign-in"]
    assert "Task board" not in page.response.text


@pytest.mark.parametrize("path", PAGES)
async def test_t44_who_is_no_admin_gets_no_page(office: Office, path: str) -> None:
    _browser, page = await office.come("ada", to=path)

    assert page.response.status_code == 403
    assert f"intarsia users roles ada --add {ADMIN}" in page.words
    assert "Task board" not in page.response.text


@pytest.mark.parametrize("path", FORMS)
async def test_t44_who_is_no_admin_changes_nothing_with_a_form_of_an_admin(office: Office, path: str) -> None:
    _root, page = await office.come()
    ada, apps = await office.come("ada", to="/apps")
    stolen = [field for field in turning(page, "off") if field[0] != "csrf_token"]
    more = [("person", "ada"), ("roles", ADMIN), ("before", "editor"), ("app", "app_x")]

    answer = await ada.post(path, [("csrf_token", token_of(apps)), *stolen, *more])

    assert answer.response.status_code == 403
    assert await office.positions() == {}
    async with office.accounts() as accounts:
        assert [account.roles for account in await accounts.list() if account.name == "ada"] == [{"editor"}]


async def test_t44_who_is_demoted_is_out_with_the_next_request(office: Office) -> None:
    ruth, page = await office.come("ruth")
    fields = turning(page, "off")
    async with office.accounts() as accounts:
        await accounts.set_roles("ruth", ["editor"], who="ops", by="shell")

    assert (await ruth.post("/admin/switches", fields)).response.status_code == 403
    assert [form.action for form in (await ruth.get("/admin")).forms] == ["/sign-in"]
    page = await ruth.arrive("/admin")
    assert page.response.status_code == 403
    assert await office.positions() == {}


async def test_t44_who_is_disabled_is_out_with_the_next_request(office: Office) -> None:
    ruth, page = await office.come("ruth")
    async with office.accounts() as accounts:
        await accounts.disable("ruth")

    assert (await ruth.post("/admin/switches", turning(page, "off"))).response.status_code == 403
    assert [form.action for form in (await ruth.get("/admin")).forms] == ["/sign-in"]
    assert await office.positions() == {}


async def test_t44_the_last_admin_cannot_stop_being_one(office: Office) -> None:
    root, page = await office.come("root", to="/admin/people")
    form = [("csrf_token", token_of(page)), ("roles", "editor")]
    await root.post("/admin/roles", [*form, ("person", "ruth"), ("before", f"editor, {ADMIN}")])

    answer = await root.post("/admin/roles", [*form, ("person", "root"), ("before", ADMIN)])

    assert answer.response.status_code == 400
    assert "root is the last account with the role intarsia:admin" in answer.words
    assert (await root.get("/admin")).response.status_code == 200


async def test_t44_a_disabled_admin_does_not_count_as_one(office: Office) -> None:
    root, page = await office.come("root", to="/admin/people")
    async with office.accounts() as accounts:
        await accounts.disable("ruth")

    form = [("csrf_token", token_of(page)), ("person", "root"), ("roles", ""), ("before", ADMIN)]
    assert (await root.post("/admin/roles", form)).response.status_code == 400


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Origin": "https://evil.example"}, None),
        ({"Origin": "null"}, None),
        ({"Origin": f"{ORIGIN}.evil.example"}, None),
        ({"Origin": f"{ORIGIN}:8443"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, None),
        ({"Sec-Fetch-Site": "same-site"}, None),
        ({}, ""),
        ({}, "0" * 64),
        ({}, "of another browser"),
        ({}, "of a session that is over"),
    ],
    ids=["other origin", "null", "suffix", "port", "cross-site", "same-site", "no token", "made up", "foreign", "old"],
)
@pytest.mark.parametrize("path", FORMS)
async def test_t42_a_form_that_no_page_of_ours_sent_changes_nothing(
    office: Office, path: str, headers: dict[str, str], token: str | None
) -> None:
    browser, page = await office.come()
    if token == "of another browser":
        token = token_of((await office.come("ruth"))[1])
    elif token == "of a session that is over":
        token = token_of(page)
        await browser.send(page.form("/sign-out"))
        page = await browser.arrive("/admin")
    fields = dict(turning(page, "off")) | {"person": "ada", "roles": "", "before": "editor", "app": "app_x"}
    fields |= {} if token is None else {"csrf_token": token}

    answer = await browser.post(path, list(fields.items()), headers)

    assert answer.response.status_code == 403
    assert await office.positions() == {}
    async with office.accounts() as accounts:
        assert [account.roles for account in await accounts.list() if account.name == "ada"] == [{"editor"}]


@pytest.mark.parametrize("path", FORMS)
async def test_t42_a_form_is_a_form_and_is_posted(office: Office, path: str) -> None:
    browser, page = await office.come()
    fields = dict(turning(page, "off"))

    assert (await browser.http.get(path, params=fields)).status_code == 405
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        answer = await browser.http.post(path, content=b"tool=x", headers={"Content-Type": kind})
        assert answer.status_code == 415
    assert await office.positions() == {}


async def test_t42_nobody_is_signed_in_by_a_page_of_others(office: Office) -> None:
    browser = office.place.browser()
    page = await browser.get("/admin")
    form = [("account", "root"), ("password", PASSWORD), ("next_path", "/admin")]

    assert (await browser.post("/sign-in", form)).response.status_code == 403
    assert (await browser.send(page.form("/sign-in"), account="root", password=PASSWORD)).response.status_code == 200


@pytest.mark.parametrize(
    "next_path", ["https://evil.example", "//evil.example", "/authorize", "/admin/log.csv", "\\evil"]
)
async def test_t15_after_sign_in_comes_one_of_two_pages(office: Office, next_path: str) -> None:
    browser = office.place.browser()
    page = await browser.get("/admin")
    form = {**dict(page.form("/sign-in").fields), "account": "root", "password": PASSWORD, "next_path": next_path}

    answer = await browser.http.post("/sign-in", data=form)

    assert answer.headers["location"] == "/apps"


async def test_t34_signing_in_brings_a_new_cookie_and_signing_out_ends_it(office: Office) -> None:
    browser = office.place.browser("root")
    await browser.get("/admin")
    before = browser.http.cookies["__Host-intarsia"]
    page = await browser.arrive("/admin")
    session = browser.http.cookies["__Host-intarsia"]
    await browser.send(page.form("/sign-out"))
    stolen = office.place.browser("root")
    stolen.http.cookies.set("__Host-intarsia", session, domain="tasks.example.com")

    assert before != session
    assert [form.action for form in (await stolen.get("/admin")).forms] == ["/sign-in"]


@pytest.mark.parametrize("path", [*PAGES, "/admin/admin.js", "/admin/admin.css"])
@pytest.mark.parametrize("sent", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_t37_t38_no_page_is_answered_under_another_name_or_to_another_site(
    office: Office, path: str, sent: dict[str, str]
) -> None:
    browser, _page = await office.come()

    answer = await browser.http.get(path, headers=sent)

    assert answer.status_code in (403, 421)


@pytest.mark.parametrize("path", PAGES)
async def test_t43_t46_t47_what_pages_are_sent_with(office: Office, path: str) -> None:
    browser, _page = await office.come()

    headers = (await browser.http.get(path)).headers

    policy = headers["content-security-policy"]
    is_example = path.startswith("/admin/example")
    assert ("frame-ancestors 'self'" if is_example else "frame-ancestors 'none'") in policy
    assert headers["x-frame-options"] == ("SAMEORIGIN" if is_example else "DENY")
    assert policy.startswith("sandbox; default-src 'none'" if is_example else "default-src 'none'; script-src 'self';")
    assert "unsafe-eval" not in policy
    assert not any(name.startswith("access-control-") for name in headers)
    assert headers["cache-control"] == "no-store"
    cookie = headers["set-cookie"]
    assert cookie.startswith("__Host-intarsia=")
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"path=/", "secure", "httponly", "samesite=lax"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)


async def test_t40_t41_t39_the_gate_stands_before_the_pages(office: Office) -> None:
    browser, page = await office.come()
    body = "&".join(f"{name}={value}" for name, value in turning(page, "off"))
    form = "application/x-www-form-urlencoded"
    for headers, status in (
        ({"Content-Type": f"{form}; charset=utf-16"}, 415),
        ({"Content-Type": form, "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": form, "Host": "tasks.example.com/admin?"}, 421),
        ({"Content-Type": form, "X-HTTP-Method-Override": "GET", "Origin": "https://evil.example"}, 403),
    ):
        answer = await browser.http.post("/admin/switches", content=body, headers=headers)
        assert answer.status_code == status, headers
    assert (
        await browser.http.post("/admin/switches", content="x" * 300_000, headers={"Content-Type": form})
    ).status_code == 413
    assert await office.positions() == {}


async def test_the_board_switch_is_named_as_here(office: Office) -> None:
    """The tests above look for this switch: that it is never found must not make them pass."""
    browser, page = await office.come()
    await browser.post("/admin/switches", turning(page, "off"))

    assert await office.positions() == {BOARD: "off"}
