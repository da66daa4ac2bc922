from tests.support.database_fixtures import (
    database,
    empty_url,
    migrated_file,
    migrated_postgres,
    postgres_url,
    sqlite_database,
)

__all__ = ["database", "empty_url", "migrated_file", "migrated_postgres", "postgres_url", "sqlite_database"]
