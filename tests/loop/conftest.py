from tests.support.database_fixtures import database, empty_url, postgres_url

__all__ = ["database", "empty_url", "postgres_url"]
