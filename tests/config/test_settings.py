"""What differs between machines, and which of it nobody may see."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from redis import Redis

from candleloop.errors import BadConfiguration
from config.settings import Settings, is_loopback, settings


@pytest.fixture(autouse=True)
def _read_anew() -> None:
    settings.cache_clear()


def test_keys_are_known_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLELOOP_API_KEY", "one")
    monkeypatch.setenv("CANDLELOOP_API_KEYS", "alice:two, web:a:b")
    assert Settings(_env_file=None).keys == {"": "one", "alice": "two", "web": "a:b"}
    assert Settings(_env_file=None).own_key == "one"


def test_the_one_key_keeps_its_name_when_it_is_a_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLELOOP_API_KEYS", "alice:two,web:three")
    assert Settings(_env_file=None).own_key == "two"
    monkeypatch.setenv("CANDLELOOP_API_KEY", "three")
    found = Settings(_env_file=None)
    assert found.keys == {"alice": "two", "web": "three"}
    assert found.own_key == "three"


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "API_KEYS", "REDIS_PASSWORD", "DASHBOARD_PASSWORD", "REDIS_URL", "API_PORT"):
        monkeypatch.setenv(f"CANDLELOOP_{name}", "")
    found = Settings(_env_file=None)
    assert (found.keys, found.own_key, found.api_port) == ({}, None, 8001)
    assert found.redis == f"unix://{found.redis_socket}"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("topsecret", "entry 1 is not of the form name:key"),
        ("alice:topsecret,", "entry 2 is not of the form name:key"),
        ("Alice:topsecret", "entry 1 is not of the form"),
        ("alice:topsecret,bob:topsecret", "the key of bob is another one's too"),
        ("alice:topsecret,alice:other", "two keys of the name alice"),
        ("alice:top secret", "the key of alice must be"),
        ("alice:", "the key of alice must be"),
    ],
)
def test_keys_that_do_not_fit_are_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str, says: str) -> None:
    monkeypatch.setenv("CANDLELOOP_API_KEYS", value)
    with pytest.raises(BadConfiguration, match=says) as caught:
        settings()
    assert caught.value.details["field"] == "CANDLELOOP_API_KEYS"
    assert "topsecret" not in caught.value.message.replace("alice:topsecret", "")
    assert "secret" not in caught.value.message


def test_a_value_that_is_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLELOOP_API_PORT", "99999")
    with pytest.raises(BadConfiguration, match="CANDLELOOP_API_PORT is '99999': input should be less than"):
        settings()


@pytest.mark.parametrize("password", ["plain", 'p@ss/w:rd "?#%', "größe"])
@pytest.mark.parametrize("url", [None, "redis://cache:6380/2", "unix:///tmp/some.sock"])
def test_the_password_of_redis_reaches_its_client(url: str | None, password: str) -> None:
    chosen = Settings(_env_file=None, redis_url=url and SecretStr(url), redis_password=SecretStr(password))
    with Redis.from_url(chosen.redis) as client:
        assert client.connection_pool.connection_kwargs["password"] == password


def test_a_redis_url_with_a_password_keeps_its_own() -> None:
    chosen = Settings(_env_file=None, redis_url=SecretStr("redis://:mine@cache/0"), redis_password=SecretStr("other"))
    assert chosen.redis == "redis://:mine@cache/0"


def test_secrets_are_not_in_the_text_of_the_settings_but_known() -> None:
    chosen = Settings(
        _env_file=None,
        api_key=SecretStr("key-of-all"),
        api_keys=SecretStr("alice:key-of-alice"),
        redis_url=SecretStr("redis://:of%2Fredis@cache/0"),
        redis_password=SecretStr("of the embedded"),
        database_url="postgresql://candleloop:of-postgres@db/candleloop",
        mlflow_url="http://candleloop:of-mlflow@mlflow:5000",
        storage_url="s3://user:of-storage@bucket",
        dashboard_password=SecretStr("of-dashboards"),
    )
    expected = {
        *("key-of-all", "key-of-alice", "of%2Fredis", "of/redis", "of the embedded", "of%20the%20embedded"),
        *("of-postgres", "of-mlflow", "of-storage", "of-dashboards"),
    }
    assert chosen.secrets() == expected
    assert not [secret for secret in expected if secret in repr(chosen)]


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("LOCALHOST", True), ("::1", True)),
        *(("[::1]", True), ("0.0.0.0", False), ("::", False), ("192.168.1.4", False), ("localhost.example", False)),
    ],
)
def test_loopback_is_told_from_other_addresses(host: str, is_one: bool) -> None:
    assert is_loopback(host) == is_one


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9"),
        ("0.0.0.0", "http://127.0.0.1:9"),
        ("::", "http://[::1]:9"),
        ("[fe80::1]", "http://[fe80::1]:9"),
    ],
)
def test_the_machine_itself_reaches_every_address_that_is_listened_on(host: str, address: str) -> None:
    assert Settings(_env_file=None, host=host).address(9) == address
