"""A store that older code wrote is migrated where it is, with its data, when it is opened."""

import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner
from sqlalchemy import MetaData, create_engine, inspect
from sqlalchemy.pool import NullPool

from intarsia.cli import main
from intarsia.errors import StoreError
from intarsia.server.audit.log import AuditLog
from intarsia.server.audit.verify import verify
from intarsia.server.auth.authorization_server.accounts import tables as accounts_tables
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from intarsia.server.storage import tables as store_tables
from intarsia.server.storage.drafts import load_draft
from intarsia.server.storage.schema import Schema
from intarsia.server.storage.store import Store
from intarsia.server.storage.store_file import APPLICATION_ID
from intarsia.server.wire.messages import DONE
from tests.authorization_server.sign_in_site import running_sign_in_site
from tests.server.adding import added, key_of
from tests.storage.build_old_stores import ADA, answer, build_adding
from tests.storage.old_store_files import HELD, dump_of, old_store

SCHEMAS = [store_tables.SCHEMA, accounts_tables.SCHEMA]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return old_store("connector", tmp_path / "adding.db")


@pytest.fixture
def old_accounts(tmp_path: Path) -> Path:
    return old_store("accounts", tmp_path / "accounts.db")


def rows_of(path: Path) -> set[str]:
    return {line for line in dump_of(path) if line.startswith("INSERT") and "sqlite_sequence" not in line}


def versions_of(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%_version'")]
        return {(name, version) for name in names for (version,) in connection.execute(f"SELECT * FROM {name}")}  # noqa: S608 - names of our own


async def test_a_connector_goes_on_with_an_old_store(old: Path) -> None:
    before = rows_of(old)
    connector = build_adding(old)
    async with connector.store.open():
        intact = await verify(connector.store)
        rows = await AuditLog(connector.store).rows()
    assert before <= rows_of(old)
    assert (intact.problem, intact.rows) == ("", rows[0].n - rows[-1].n + 1)
    assert {row.entry.event for row in rows} == {"action", "refusal", "switch"}

    async with connector.running():
        again = await answer(connector, "add", key_of(3), number=3)
        assert again.meta[DONE]["replayed"] is True
        assert await added(connector) == 3
        assert await load_draft(connector.store, ADA.person, "panel", {"size": 3}) == {"radius": 12}
        assert [(each.what, each.position, each.why) for each in await connector.switches.rows()] == [
            ("tool:add_in_thread", "off", "Broken.")
        ]
        assert (await answer(connector, "add_in_thread", key_of(9), number=9)).is_error
        assert not (await answer(connector, "add", key_of(4), number=4)).is_error
        assert (await verify(connector.store)).is_intact


async def test_people_and_apps_go_on_with_old_accounts(old_accounts: Path, tmp_path: Path) -> None:
    before = rows_of(old_accounts)
    async with accounts_store(old_accounts).open() as store:
        assert (await verify(store)).is_intact
    assert before <= rows_of(old_accounts)

    async with running_sign_in_site(tmp_path, accounts=old_accounts) as place:
        assert await place.call(HELD["access_token"]) == 200
        renewed = await place.refresh(HELD["client"], HELD["refresh_token"])
        assert renewed.status_code == 200
        assert await place.roles(renewed.json()["access_token"]) == ["editor"]
        connection = await place.connect()  # signs in with the old password
        assert await place.call(connection.access) == 200


async def test_a_copy_of_the_store_is_kept_for_its_owner_only(old: Path) -> None:
    before = dump_of(old)
    async with build_adding(old).store.open():
        pass

    copy = old.with_name("adding.db.before-store-0002")
    assert dump_of(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(old.parent.glob("*.partial"))
    async with build_adding(old).store.open():
        pass
    assert dump_of(copy) == before


async def test_an_old_store_that_only_a_command_used_gets_all_tables(tmp_path: Path) -> None:
    """`intarsia users add` made a store without the tables of switches and counts."""
    path = old_store("accounts", tmp_path / "accounts.db")
    with closing(sqlite3.connect(path)) as connection:
        for table in ("intarsia_switches", "intarsia_seen_tools", "intarsia_tool_counts"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    async with accounts_store(path).open():
        pass

    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert set(store_tables.OWN_TABLES.tables) <= names


@pytest.mark.parametrize("name", ["connector", "accounts"])
async def test_a_migrated_store_has_the_tables_of_a_new_one(name: str, tmp_path: Path) -> None:
    for path in (old_store(name, tmp_path / "old.db"), tmp_path / "new.db"):
        async with accounts_store(path).open():
            pass

    assert shape_of(tmp_path / "old.db") == shape_of(tmp_path / "new.db")
    assert versions_of(tmp_path / "old.db") == versions_of(tmp_path / "new.db")


def shape_of(path: Path) -> dict[str, object]:
    """Return the tables, indexes and triggers that are Intarsia's."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    names = [name for schema in SCHEMAS for name in schema.tables.tables if name != schema.version_table]
    found = inspect(engine)
    shape: dict[str, object] = {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((index["name"] or "", tuple(index["column_names"])) for index in found.get_indexes(name)),
            sorted(str(key) for key in found.get_foreign_keys(name)),
        )
        for name in names
    }
    with engine.connect() as connection:
        sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = {name: " ".join(text.split()) for name, text in connection.exec_driver_sql(sql)}
        shape["application"] = connection.exec_driver_sql("PRAGMA application_id").scalar()
        audit = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'intarsia_audit'").scalar()
    shape["triggers"] = {name: text.replace("IF NOT EXISTS ", "") for name, text in triggers.items()}
    return {**shape, "counts upwards": "AUTOINCREMENT" in str(audit)}


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_the_migrations_are_one_line_up_to_the_newest_version(schema: Schema) -> None:
    numbers = [path.name[1:5] for path in sorted(schema.versions.glob("v*.py"))]

    assert numbers == [f"{number:04}" for number in range(1, int(schema.newest) + 1)]
    for number, path in zip(numbers, sorted(schema.versions.glob("v*.py")), strict=True):
        before = None if number == "0001" else f"{int(number) - 1:04}"
        text = path.read_text(encoding="utf-8")
        assert (
            f'\nrevision = "{number}"\ndown_revision = {before and f"{before!r}".replace(chr(39), chr(34))}\n' in text
        )


async def test_a_newer_store_is_refused_with_what_to_do_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with Store(path).open():
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE intarsia_store_version SET version_num = '0099'")
        connection.commit()
    before = path.read_bytes()

    with pytest.raises(StoreError, match=r"newer version of Intarsia \(version '0099'.*Update Intarsia") as caught:
        async with Store(path).open():
            pass

    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


async def test_old_rows_are_found_by_an_index_when_they_expire(old: Path) -> None:
    async with Store(old).open() as store, store.read() as connection:
        for table in ("intarsia_keys", "intarsia_confirmations", "intarsia_drafts", "intarsia_audit"):
            plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE at < 1")).all()  # noqa: S608 - names of our own
            assert plan[0][-1].startswith(f"SEARCH {table} USING ")
            assert f"ix_{table}_at" in plan[0][-1]


async def test_a_table_that_is_replaced_keeps_the_rows_that_refer_to_it(tmp_path: Path) -> None:
    """SQLite alters little in place; Alembic replaces the table, and a cascade would take other tables' rows along."""
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "v0001_first.py").write_text(REPLACING_FIRST, encoding="utf-8")
    (folder / "v0002_second.py").write_text(REPLACING_SECOND, encoding="utf-8")
    path = tmp_path / "store.db"
    schema = Schema("families", MetaData(), folder, "0002", "families_version", "parents")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FAMILIES)
    async with Store(path, schemas=(schema,)).open() as store, store.read() as opened:
        parents = [tuple(row) for row in await opened.exec_driver_sql("SELECT * FROM parents")]
        children = [tuple(row) for row in await opened.exec_driver_sql("SELECT * FROM children")]
    assert (parents, children) == ([(1, "Ada", "")], [(7, 1)])


FAMILIES = """
CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents VALUES (1, 'Ada');
INSERT INTO children VALUES (7, 1);
"""
REPLACING_FIRST = """
revision = "0001"
down_revision = None

def upgrade():
    pass
"""
REPLACING_SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

def upgrade():
    with op.batch_alter_table("parents", recreate="always") as parents:
        parents.alter_column("name", existing_type=sa.Text(), nullable=False)
        parents.add_column(sa.Column("title", sa.Text(), nullable=False, server_default=""))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "adding_app.py").write_text(
        "from pathlib import Path\nfrom tests.storage.build_old_stores import build_adding\n"
        "adding = build_adding(Path('adding.db').absolute())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("adding_app", None)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_the_command_says_what_is_pending_and_migrates_ahead(project: Path, old: Path) -> None:
    before = dump_of(old)
    code, said = run("migrate", "adding_app:adding", "--check")
    assert (code, said) == (1, f"{old}: store 0001, store 0002 pending.\n")
    assert dump_of(old) == before

    code, said = run("migrate", "adding_app:adding")
    assert (code, f"{old} is migrated." in said) == (0, True)
    assert run("migrate", "adding_app:adding", "--check") == (0, f"{old} is up to date.\n")
    assert versions_of(old) == {("intarsia_store_version", "0002")}
    assert project == old.parent


def test_the_command_migrates_accounts(old_accounts: Path) -> None:
    code, said = run("migrate", "--accounts", str(old_accounts), "--check")
    assert (code, said) == (1, f"{old_accounts}: store 0001, store 0002, accounts 0001 pending.\n")
    assert run("migrate", "--accounts", str(old_accounts))[0] == 0
    assert run("migrate", "--accounts", str(old_accounts), "--check")[0] == 0


def test_the_command_asks_which_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path))

    assert "Select one store" in run("migrate")[1]
    assert run("migrate", "--accounts") == (
        0, "There is no store yet. It is created when the connector is served.\n",
    )  # fmt: skip


OTHERS = {
    "application.db": ("PRAGMA application_id = 0x12345678; CREATE TABLE t (x)", r"another program \(.*0x12345678\)"),
    "tables.db": ("CREATE TABLE moz_places (x); CREATE TABLE moz_hosts (x)", "tables such as moz_hosts, moz_places"),
}


@pytest.mark.parametrize("name", [*OTHERS, "text.db", "cut.db", "damaged.db", "short.db"])
async def test_a_file_that_is_no_store_is_refused_in_one_sentence_and_stays_as_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name in ("cut.db", "damaged.db"):
        async with Store(path).open() as store:
            await AuditLog(store).load()
    said = write_other(path)
    path.chmod(0o640)
    before = path.read_bytes()

    with pytest.raises(StoreError, match=said) as caught:
        async with Store(path).open():
            pass

    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names_in(tmp_path) == [name]


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def write_other(path: Path) -> str:
    """Write a file that is no store, and return what is said of it."""
    if path.name in OTHERS:
        sql, said = OTHERS[path.name]
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(sql)
        return said
    if path.name in ("text.db", "short.db"):
        path.write_text("This is no database. " * (100 if path.name == "text.db" else 3))
        return "is not a SQLite database. Use another file"
    path.with_name(f"{path.name}.lock").unlink()
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] if path.name == "cut.db" else content[:half] + b"\xff" * half)
    return "it is damaged .* Restore a backup"


async def test_a_database_of_the_author_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE numbers (n INTEGER PRIMARY KEY); INSERT INTO numbers VALUES (1)")
    connector = build_adding(path)

    async with connector.running():
        assert await added(connector) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


async def test_a_full_disk_leaves_an_old_store_as_it_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump_of(old)
    full = old.with_name("adding.db.before-store-0002.partial")
    full.symlink_to("/dev/full")
    monkeypatch.setattr(Path, "unlink", Mock())

    with pytest.raises(StoreError, match=r"adding\.db cannot be used"):
        async with build_adding(old).store.open():
            pass

    assert dump_of(old) == before
