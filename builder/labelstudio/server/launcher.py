"""Launcher of the embedded Label Studio, run by Label Studio's own Python (isolated, `-I`). It imports no khabar code.

It starts Label Studio with Postgres, or with SQLite in write-ahead mode and immediate transactions, so that an import
does not block annotators. It also creates accounts without HTTP. Secrets arrive as JSON on standard input, because
other users can read a process's arguments and environment.

It patches internals of Label Studio 1.23.2: `server._setup_env`, `_apply_database_migrations` and `_get_free_port`.
Check them before an upgrade.
"""

import json
import os
import re
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Nameless:
    """An output stream that masks e-mail addresses, because the log is stored in a file."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r"[^\s@<>\"']+@[\w.-]+", "(somebody)", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _immediate(server: ModuleType) -> None:
    """Patch the server so that its SQLite connections use WAL, immediate transactions and a timeout of 30 seconds."""
    set_up = server._setup_env  # noqa: SLF001 - there is no public API

    def patched() -> None:
        set_up()
        os.environ.pop("POSTGRE_PASSWORD", None)
        connections = import_module("django.db").connections
        if not connections.databases["default"]["ENGINE"].endswith("sqlite3"):
            return
        connections.databases["default"].setdefault("OPTIONS", {}).update(
            transaction_mode="IMMEDIATE",
            timeout=30,
            init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        )
        connections["default"].close()

    vars(server)["_setup_env"] = patched


def _make_accounts(order: dict[str, Any]) -> None:
    """Create the owner and annotator accounts, and the owner's API token; an existing annotator gets the new password."""
    users = import_module("users.models").User.objects
    organizations = import_module("organizations.models").Organization

    owner = users.filter(email=order["owner"]).first() or users.create_user(order["owner"], None)
    organization = organizations.objects.first() or organizations.create_organization(
        created_by=owner, title="khabar", legacy_api_tokens_enabled=False
    )
    for email, password in [(order["owner"], None), *order["accounts"]]:
        user = users.filter(email=email).first() or users.create_user(email, password)
        if password:
            user.set_password(password)
        organization.add_user(user)
        user.active_organization = organization
        user.save()
    if not os.path.exists(order["token"]):  # noqa: PTH110 - this file imports as little as possible
        _write_token(owner, order["token"])


def _write_token(owner: object, path: str) -> None:
    """Write the owner's API token to a file that only the current user can read."""
    token = import_module("jwt_auth.models").LSAPIToken.for_user(owner).get_full_jwt()
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(token)
    os.replace(path + ".new", path)  # noqa: PTH105


def _choose_database(database: dict[str, Any] | None) -> None:
    """Pass the database settings to Label Studio in environment variables, the only way its settings accept.

    Variables that a process sets for itself do not show in /proc/PID/environ, which keeps the initial environment.
    """
    if database:
        os.environ["DJANGO_DB"] = "default"
        os.environ.update({f"POSTGRE_{key.upper()}": str(value) for key, value in database.items()})


def _probe(order: dict[str, Any]) -> dict[str, object]:
    """Return statistics of a Postgres database, or the reason (`fault`) why the connection fails."""
    psycopg = import_module("psycopg")
    database = dict(order["database"])
    database["dbname"] = database.pop("name")
    try:
        with psycopg.connect(**database, connect_timeout=10) as connection:
            table_query = "select tablename from pg_catalog.pg_tables where schemaname = current_schema()"
            tables = {row[0] for row in connection.execute(table_query)}
            people = 0
            if "htx_user" in tables:
                count_query = "select count(*) from htx_user where email <> %s"
                (people,) = connection.execute(count_query, [order["owner"]]).fetchone()
            (size,) = connection.execute("select pg_database_size(current_database())").fetchone()
    except psycopg.Error as error:
        return {"fault": (str(error).strip().splitlines() or ["no reason given"])[0]}
    return {"tables": len(tables), "label_studio": "htx_user" in tables, "annotators": people, "size": size}


def main() -> None:
    """Run `launcher.py migrate DIR`, `probe DIR`, `accounts DIR` or `serve DIR PORT`.

    All but `migrate` read a JSON object from standard input: database, owner, token file and accounts.
    """
    verb, folder = sys.argv[1:3]
    os.umask(0o077)
    order = {} if verb == "migrate" else json.load(sys.stdin)
    if verb == "probe":
        json.dump(_probe(order), sys.stdout)
        return
    _choose_database(order.get("database"))
    os.chdir(folder)
    server = import_module("label_studio.server")
    _immediate(server)
    if verb == "migrate":
        sys.argv = ["label-studio", "version"]
        server.main()
        return
    if verb == "accounts":
        server._setup_env()  # noqa: SLF001
        _make_accounts(order)
        return
    sys.stdout, sys.stderr = _Nameless(sys.stdout), _Nameless(sys.stderr)
    migrate = server._apply_database_migrations  # noqa: SLF001

    def prepared() -> None:
        migrate()
        _make_accounts(order)

    # A busy port must be an error: Label Studio would silently use the next free one.
    vars(server).update(_apply_database_migrations=prepared, _get_free_port=lambda port, _: port)
    sys.argv = ["label-studio", "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", sys.argv[3]]
    server.main()


if __name__ == "__main__":
    main()
