"""Schema versions: creates the tables of a new store, and migrates those of an older one with Alembic.

All of it runs in one transaction of the caller, so that a process that is killed leaves the store as it was. Alembic is
imported only when there is something to migrate.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table

from intarsia.errors import StoreError

UNVERSIONED = "0001"
"""The version of stores that were created before versions were recorded."""

VERSION_COLUMN = "version_num"
"""The column of a version table, as Alembic names it."""


@dataclass(frozen=True, eq=False)
class Schema:
    """Tables that Intarsia creates and migrates. The tables of authors are none of these.

    Args:
        name: The name in error messages.
        tables: The tables in their newest version.
        versions: The folder with the migrations.
        newest: The number of the newest version: four digits, as in `0002`.
        version_table: The name of the table that records the version of a store.
        first_table: A table that is in every store with this schema, also in one without a recorded version.
    """

    name: str
    tables: MetaData
    versions: Path
    newest: str
    version_table: str
    first_table: str

    def __post_init__(self) -> None:
        # Part of the tables, so that a new store gets it with them.
        Table(self.version_table, self.tables, Column(VERSION_COLUMN, String(32), primary_key=True))

    def pending(self, version: str | None) -> list[str]:
        """Return the numbers of the versions that a store with these tables has yet to be migrated to.

        Args:
            version: The recorded version of the store; `None` if it was created before versions were recorded.

        Raises:
            StoreError: The store was written by a newer version of Intarsia. The message is a clause about the store.
        """
        if version is None:
            return self._from(int(UNVERSIONED))
        if not version.isdigit() or int(version) > int(self.newest):
            message = (
                f"it was written by a newer version of Intarsia (version {version!r} of its {self.name} schema; this "
                f"one knows {self.newest} and older). Update Intarsia, or use a copy from before it was migrated"
            )
            raise StoreError(message)
        return self._from(int(version) + 1)

    def _from(self, first: int) -> list[str]:
        return [f"{number:04}" for number in range(first, int(self.newest) + 1)]

    def create(self, connection: Connection) -> None:
        """Create the tables in a store that has none of them."""
        self.tables.create_all(connection)
        connection.execute(self.tables.tables[self.version_table].insert().values({VERSION_COLUMN: self.newest}))

    def migrate(self, connection: Connection) -> None:
        """Run the pending migrations in the transaction of a connection."""
        from alembic.config import Config  # noqa: PLC0415  # loaded only when there is something to migrate
        from alembic.operations import Operations  # noqa: PLC0415  # as above
        from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep  # noqa: PLC0415  # as above
        from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

        folder = str(self.versions)
        scripts = ScriptDirectory(folder, version_locations=[folder], messaging_opts=Config().messaging_opts)

        def steps(current: Any, _context: MigrationContext) -> list[RevisionStep]:
            below = next(iter(current), "base")
            newest_first = list(scripts.iterate_revisions(self.newest, below))
            return [MigrationStep.upgrade_from_script(scripts.revision_map, script) for script in newest_first[::-1]]

        options = {"fn": steps, "version_table": self.version_table, "transactional_ddl": True}
        context = MigrationContext.configure(connection, opts=options)
        with Operations.context(context):
            context.run_migrations()
