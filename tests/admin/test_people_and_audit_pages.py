"""Admins see who may do what, take apps' access back, and read what was done."""

import csv
import io

import pytest

from intarsia.server.admin.access import ADMIN
from intarsia.server.audit import log as log_module
from intarsia.server.audit.log import AuditEntry, AuditLog
from intarsia.server.storage.store import Store
from tests.admin.admin_site import Office, token_of, turning
from tests.authorization_server.test_withdrawing import until_refused


async def test_an_admin_takes_back_what_somebody_granted_and_the_log_says_who(office: Office) -> None:
    held = await office.place.connect(office.place.browser("ada"))
    assert await office.place.call(held.access) == 200
    root, page = await office.come(to="/admin/people")
    assert "Chat" in page.words
    form = next(form for form in page.forms if ("app", held.client_id) in form.buttons)

    page = await root.post(form.action, [*form.fields, ("app", held.client_id)])

    assert "Access removed." in page.words
    assert held.client_id not in page.response.text
    await until_refused(office.place, held.access)
    log = await root.get("/admin/log?log=people&event=revocation")
    assert "by the admin root" in log.words


async def test_roles_given_here_hold_in_connected_apps_and_are_written_down(office: Office) -> None:
    root, page = await office.come(to="/admin/people")
    form = [("csrf_token", token_of(page)), ("person", "ada"), ("before", "editor"), ("roles", "editor, reviewer")]

    page = await root.post("/admin/roles", form)

    assert "Roles saved." in page.words
    assert ("roles", "editor, reviewer") in [field for form in page.forms for field in form.fields]
    late = await root.post("/admin/roles", form)
    assert late.response.status_code == 409
    assert "The roles of ada have changed" in late.words
    log = await root.get("/admin/log?log=people&event=role")
    assert "ada" in log.words
    assert "root" in log.words


async def test_roles_that_are_none_are_refused_with_a_reason(office: Office) -> None:
    root, page = await office.come(to="/admin/people")
    form = [("csrf_token", token_of(page)), ("before", "editor"), ("roles", "x")]

    answer = await root.post("/admin/roles", [*form, ("person", "nobody")])

    assert answer.response.status_code == 400
    assert "There is no account 'nobody'." in answer.words


async def test_an_admin_makes_another_one(office: Office) -> None:
    root, page = await office.come(to="/admin/people")
    form = [("csrf_token", token_of(page)), ("person", "ada"), ("before", "editor"), ("roles", ADMIN)]
    await root.post("/admin/roles", form)

    _ada, page = await office.come("ada")

    assert page.response.status_code == 200


async def test_the_log_is_filtered_paged_verified_and_exported(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "READ_BATCH_ROWS", 20)  # three pages, and nothing after them
    root, page = await office.come()
    for position in ("off", "text_only", "on") * 20:
        page = await root.post("/admin/switches", turning(page, position))

    log = await root.get("/admin/log?event=switch&who=root&what=tool:task_board")
    older = next(link for link in log.links if "before=" in link)
    rest = await root.get(older)
    nothing = await root.get("/admin/log?who=ada")
    whole = await root.get("/admin/log?verify=1")
    exported = await root.http.get("/admin/log.csv?event=switch&who=root")

    assert (log.response.text.count("<tr>"), rest.response.text.count("<tr>")) == (51, 11)  # with the heading
    assert "No matching entries." in nothing.words
    assert "Verified: the log is intact (60 rows)." in whole.words
    rows = list(csv.DictReader(io.StringIO(exported.text)))
    assert [row["result"] for row in rows] == ["off", "text_only", "on"] * 20
    assert exported.headers["content-disposition"] == 'attachment; filename="audit.csv"'


async def test_days_narrow_the_log_down_and_what_is_no_day_does_not(office: Office) -> None:
    root, page = await office.come()
    await root.post("/admin/switches", turning(page, "off"))

    for query, is_there in (
        ("from=2020-01-01", True),
        ("to=2020-01-01", False),
        ("from=2100-01-01", False),
        ("from=soon&to=9999-12-31", True),
    ):
        found = await root.get(f"/admin/log?{query}")
        assert ("task_board" in found.words) is is_there, query


async def test_a_log_that_was_tampered_with_is_shown_so(office: Office) -> None:
    root, page = await office.come()
    for position in ("off", "text_only", "on"):
        page = await root.post("/admin/switches", turning(page, position))
    async with Store(office.place.folder / "store.db").open() as store, store.write() as connection:
        await connection.exec_driver_sql("DROP TRIGGER IF EXISTS intarsia_audit_kept")
        for row in await connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            await connection.exec_driver_sql(f"DROP TRIGGER {row[0]}")
        await connection.exec_driver_sql("UPDATE intarsia_audit SET who = 'eve' WHERE n = 2")

    whole = await root.get("/admin/log?verify=1")

    assert "The log is not intact. Row 2 was changed" in whole.words


async def test_t60_hostile_words_in_the_log_are_words(office: Office) -> None:
    hostile = '<img src=x onerror=alert(1)>\u202e\x1b[2J"=cmd'
    async with Store(office.place.folder / "store.db").open() as store:
        await AuditLog(store).write(AuditEntry("action", hostile, what=hostile, result=hostile))
    root, _page = await office.come()

    answer = await root.http.get("/admin/log")

    assert "<img" not in answer.text
    assert "\x1b" not in answer.text
    assert "\u202e" not in answer.text
    assert "\\u202e" in answer.text
