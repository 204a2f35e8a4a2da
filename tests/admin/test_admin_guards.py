"""Every guard of the admin's pages is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

GUARDING, BY_ACCOUNT = "intarsia/server/admin/access.py", "intarsia/server/admin/account_sign_in.py"
DRAWING, PREVIEWING = "intarsia/server/admin/templates.py", "intarsia/server/admin/preview_page.py"
PEOPLE, SWITCHING = "intarsia/server/admin/people_page.py", "intarsia/server/admin/switches_page.py"
ACCOUNTS, SESSIONS = (
    "intarsia/server/auth/authorization_server/accounts/accounts.py",
    "intarsia/server/pages/browsers.py",
)
ENTERING, TELLING = "intarsia/server/auth/authorization_server/pages/login_page.py", "intarsia/server/audit/export.py"
KEPT_SESSIONS = "intarsia/server/auth/authorization_server/accounts/sessions.py"
GATE, SWITCHES = "intarsia/server/http/request_limits.py", "intarsia/server/switches/service.py"
TESTS, TURNING = "tests/admin/test_access.py", "tests/admin/test_switches_page.py"

CHECKED = """\
        self._sessions.verify_csrf(request, form, browser)
        authorize_query = form.one("authorize_query") or ""
        fields_of(authorize_query)
        # Only"""

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "signed in": (
        f"{TESTS} -k 'not_signed_in'",
        [
            Mutation(BY_ACCOUNT, 'return self._login_page.show(browser, next_path="/admin")', "pass"),
            Mutation(BY_ACCOUNT, "self._services.accounts.get(browser.account)", 'self._services.accounts.get("root")'),
        ],
    ),
    "t44 the role": (
        f"{TESTS} -k 't44 and no_admin'",
        [Mutation(BY_ACCOUNT, "or ADMIN not in account.roles:", ":")],
    ),
    "t44 with every request": (
        f"{TESTS} -k 't44 and demoted'",
        [
            Mutation(BY_ACCOUNT, "or ADMIN not in account.roles:", "or False:"),
            Mutation(
                ACCOUNTS, "await connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))", "pass"
            ),
        ],
    ),
    "t44 the last one": (f"{TESTS} -k 't44 and last_admin'", [Mutation(ACCOUNTS, "holders <= {name}:", "False:")]),
    "t44 disabled ones do not count": (
        f"{TESTS} -k 't44 and does_not_count'",
        [
            Mutation(
                ACCOUNTS, 'select(ACCOUNTS).where(ACCOUNTS.c.state == "active"))).all()', "select(ACCOUNTS))).all()"
            )
        ],
    ),
    "t44 two at once": (
        f"{TURNING} -k 't44'",
        [Mutation(SWITCHES, "if change.expected_version not in (None, version):", "if False:")],
    ),
    "roles as they were shown": (
        "tests/admin/test_people_and_audit_pages.py -k roles_given_here",
        [Mutation(PEOPLE, "if account is not None and account.roles !=", "if False and account and account.roles !=")],
    ),
    "t42 where a form comes from": (
        f"{TESTS} -k 't42 and no_page_of_ours and (cross-site or same-site)'",
        [Mutation(SESSIONS, "or site not in (None, *_OWN_PAGES)", "")],
    ),
    "t42 the token of a form": (
        f"{TESTS} -k 't42 and no_page_of_ours and (foreign or old or made)'",
        [Mutation(GUARDING, "self.admins.verify_csrf(request, form, admin)", "pass")],
    ),
    "t42 forms are posted": (
        f"{TESTS} -k 't42 and is_posted'",
        [Mutation(GATE, "if kind.strip() != wanted.encode() or charset", "if charset")],
    ),
    "t42 nobody is signed in by others": (
        f"{TESTS} -k 't42 and signed_in_by'",
        [Mutation(ENTERING, CHECKED, CHECKED.replace("self._sessions.verify_csrf(request, form, browser)", "pass"))],
    ),
    "t15 after sign-in": (
        f"{TESTS} -k 't15'",
        [
            Mutation(
                ENTERING,
                'next_path = "/admin" if form.one("next_path") == "/admin" else "/apps"',
                'next_path = form.one("next_path") or "/apps"',
            )
        ],
    ),
    "t34 a new cookie": (
        f"{TESTS} -k 't34'",
        [
            Mutation(
                KEPT_SESSIONS,
                "browser = Browser(token_urlsafe(32), account)",
                "browser = Browser(before.cookie, account)",
            )
        ],
    ),
    "t34 the end of one": (
        f"{TESTS} -k 't34'",
        [
            Mutation(
                KEPT_SESSIONS,
                """        async with self._store.write() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == browser.session))
            if browser""",
                """        async with self._store.write() as connection:
            if browser""",
            )
        ],
    ),
    "t37 the host": (f"{TESTS} -k 't37 and sent0'", [Mutation(GATE, "_host_of(named[0]) not in self.hosts", "False")]),
    "t38 the origin": (
        f"{TESTS} -k 't37 and (sent1 or sent2)'",
        [Mutation(GATE, 'if name == b"origin" and not', "if False and not")],
    ),
    "t43 frames": (
        f"{TESTS} -k 't43'",
        [Mutation(DRAWING, "form-action 'self'; base-uri 'none'; frame-ancestors 'none'", "form-action 'self'")],
    ),
    "t43 frames of the example": (
        f"{TESTS} -k 't43'",
        [Mutation(PREVIEWING, "base-uri 'none'; frame-ancestors 'self'", "base-uri 'none'")],
    ),
    "t47 scripts do not see it": (
        f"{TESTS} -k 't47'",
        [Mutation(SESSIONS, "httponly=True,\n            same", "same")],
    ),
    "t47 over TLS alone": (
        f"{TESTS} -k 't47'",
        [
            Mutation(
                SESSIONS,
                "secure=self._settings.is_https,\n            httponly=True,\n            same",
                "httponly=True,\n            same",
            )
        ],
    ),
    "t41 encodings": (
        f"{TESTS} -k 't41'",
        [Mutation(GATE, 'or charset not in (b"", b"charset=utf-8")', "")],
    ),
    "t39 a host that holds a path": (
        f"{TESTS} -k 't39'",
        [
            Mutation(
                GATE,
                "return head if separator and port.isdigit() else name",
                'return (head if separator and port.isdigit() else name).partition("/")[0]',
            )
        ],
    ),
    "t60 what hides": (
        "tests/admin/test_people_and_audit_pages.py -k t60",
        [Mutation(TELLING, 'mark if mark.isprintable() else mark.encode("unicode_escape").decode()', "mark")],
    ),
    "a made-up version": (
        f"{TURNING} -k 'no_page_sends'",
        [Mutation(SWITCHING, "if not version.isdecimal() or len(version) > 15:", "if not version.isdecimal():")],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
