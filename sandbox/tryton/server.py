"""Starts and stops trytond, builds its database and keeps finished ones for reuse.

Three steps, each kept under `.millstream/tryton/`: a base (modules activated, about 40 s of
one core, kept until the lock changes), a plant loaded into a copy of it (about 20 s, kept for
the week, because due dates count from the Monday), and a copy of that for each run.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.tryton.databases import Databases, PostgresServer, SqliteFolder, copy_file
from sandbox.tryton.factory import Factory, read_factory
from sandbox.tryton.loading import load
from sandbox.tryton.rpc import Session

ROOT = Path(__file__).resolve().parents[2]
USER = "admin"
START_SECONDS = 120.0
MODULES = (
    "country",
    "currency",
    "party",
    "company",
    "product",
    "account",
    "account_product",
    "stock",
    "production",
    "production_routing",
    "production_work",
    "purchase",
    "purchase_request",
    "purchase_requisition",
    "sale",
    "stock_supply",
    "stock_supply_production",
)


class TrytonMissing(Exception):
    """Tryton's environment is not there; `make demo-tryton` builds it."""


def environment() -> Path:
    """Return Tryton's own virtual environment, or raise TrytonMissing."""
    folder = Path(os.environ.get("MILLSTREAM_TRYTON_VENV", ROOT / ".venv-tryton"))
    if not (folder / "bin" / "trytond").exists():
        message = f"{folder} has no trytond; build it with: make demo-tryton"
        raise TrytonMissing(message)
    return folder


def install() -> Path:
    """Make Tryton's environment from the hashed lock, unless it stands already; return its folder.

    Takes about a minute and the package index; nothing of it enters the hub's own environment.
    """
    folder = Path(os.environ.get("MILLSTREAM_TRYTON_VENV", ROOT / ".venv-tryton"))
    lock = ROOT / "requirements" / "tryton.txt"
    marker = folder / "lock.sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if (folder / "bin" / "trytond").exists() and marker.exists() and marker.read_text() == wanted:
        return folder
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--require-hashes", "-r", str(lock)], check=True)  # noqa: S603
    marker.write_text(wanted)
    return folder


def not_ready() -> str | None:
    """Return why no Tryton can be had in seconds, or None: its environment or a built database is missing."""
    try:
        environment()
    except TrytonMissing as missing:
        return str(missing)
    if not any((cache_folder() / "sqlite" / "db").glob("base_*.sqlite")):
        return "no Tryton database is built yet; build it with: make demo-tryton"
    return None


def adventureworks() -> Path | None:
    """Return the folder of the AdventureWorks tables, or None where they are absent."""
    named = os.environ.get("MILLSTREAM_ADVENTUREWORKS")
    folder = Path(named) if named else ROOT.parent / "shared" / "adventureworks"
    return folder if (folder / "BillOfMaterials.csv").exists() else None


@dataclass(frozen=True, slots=True)
class Plant:
    """One built Tryton in `folder`: its databases, the database's name and the password."""

    folder: Path
    databases: Databases
    database: str
    password: str = field(repr=False)

    def session(self, url: str) -> Session:
        """Log in to this plant's database on `url`."""
        return Session(url, self.database, USER, self.password).login()


def connection(plant: Plant, url: str) -> dict[str, str]:
    """Return the variables that the hub's connector asks for."""
    return {
        "MILLSTREAM_TRYTON_URL": url,
        "MILLSTREAM_TRYTON_DATABASE": plant.database,
        "MILLSTREAM_TRYTON_USER": USER,
        "MILLSTREAM_TRYTON_PASSWORD": plant.password,
    }


def cache_folder() -> Path:
    return ROOT / ".millstream" / "tryton"


def databases_at(folder: Path, postgres: str | None) -> Databases:
    """Return the PostgreSQL server at the URL, or files in `folder`/db."""
    return PostgresServer(postgres) if postgres else SqliteFolder(folder / "db")


def build(folder: Path, *, postgres: str | None = None, factory: Factory | None = None) -> Plant:
    """Put a fresh copy of the loaded plant into `folder` and return it."""
    if (folder / "tryton.json").exists():
        message = f"{folder} has a running Tryton; end it first with: python -m sandbox.tryton down --dir {folder}"
        raise FileExistsError(message)
    chosen = factory or read_factory(adventureworks())
    source = loaded_plant(chosen, postgres)
    folder.mkdir(parents=True, exist_ok=True)
    target = databases_at(folder, postgres)
    name = "millstream"
    if isinstance(source.databases, SqliteFolder) and isinstance(target, SqliteFolder):
        copy_file(source.databases.path(source.database), target.path(name))
    else:
        name = f"millstream_{digest(str(folder.resolve()))}"
        target.copy(source.database, name)
    write_secret(folder / "password", source.password)
    where = {"database": name, "postgres": postgres}
    write_secret(folder / "plant.json", json.dumps(where))
    (folder / "factory.json").write_text(chosen.as_json())
    return Plant(folder, target, name, source.password)


def opened(folder: Path) -> Plant:
    """Return the plant that `build` left in `folder`; FileNotFoundError where there is none."""
    where = json.loads((folder / "plant.json").read_text())
    databases = databases_at(folder, where["postgres"])
    return Plant(folder, databases, where["database"], (folder / "password").read_text())


def loaded_plant(factory: Factory, postgres: str | None) -> Plant:
    """Return the kept plant for `factory` and this week, loading it on first use."""
    base = base_plant(postgres)
    monday = this_monday()
    loader = (Path(__file__).parent / "loading.py").read_text()
    name = f"plant_{digest(base.database, loader, factory.as_json(), monday.isoformat())}"
    plant = Plant(base.folder, base.databases, name, base.password)
    if not base.databases.exists(name):
        draft = Plant(base.folder, base.databases, f"{name}_draft", base.password)
        base.databases.copy(base.database, draft.database)
        with served(draft) as url:
            load(draft.session(url), factory, dt.datetime.now(dt.UTC).date())
        base.databases.rename(draft.database, name)
    return plant


def this_monday() -> dt.date:
    today = dt.datetime.now(dt.UTC).date()
    return today - dt.timedelta(days=today.weekday())


def base_plant(postgres: str | None) -> Plant:
    """Return the kept database with all modules active and no company, made on first use."""
    lock = (ROOT / "requirements" / "tryton.txt").read_text()
    name = f"base_{digest(lock, *MODULES)}"
    folder = cache_folder() / (f"postgres_{digest(postgres)}" if postgres else "sqlite")
    folder.mkdir(parents=True, exist_ok=True)
    databases = databases_at(folder, postgres)
    secret = folder / f"{name}.password"
    if not (secret.exists() and databases.exists(name)):
        draft = Plant(folder, databases, f"{name}_draft", secrets.token_urlsafe(24))
        activate_modules(draft)
        databases.rename(draft.database, name)
        write_secret(secret, draft.password)
    return Plant(folder, databases, name, secret.read_text())


def activate_modules(plant: Plant) -> None:
    """Create the database and activate every module, by Tryton's own command line."""
    plant.databases.create(plant.database)
    secret = plant.folder / f"{plant.database}.password"
    write_secret(secret, plant.password)
    settings = configuration(plant, port=0)
    admin = [str(environment() / "bin" / "trytond-admin"), "-c", str(settings)]
    variables = {**os.environ, "TRYTONPASSFILE": str(secret)}
    first = [*admin, "-d", plant.database, "--all", "--email", "admin@example.com"]
    second = [*admin, "-d", plant.database, "-u", *MODULES, "--activate-dependencies"]
    for command in (first, second):
        subprocess.run(command, check=True, env=variables, capture_output=True)  # noqa: S603
    secret.unlink()


def configuration(plant: Plant, port: int) -> Path:
    """Write trytond's configuration file, readable by its owner alone."""
    text = f"[database]\n{plant.databases.settings}list = False\n"
    path = plant.folder / f"trytond-{plant.database}.conf"
    write_secret(path, f"{text}\n[web]\nlisten = 127.0.0.1:{port}\n")
    return path


def start(plant: Plant, port: int = 0) -> tuple[subprocess.Popen[bytes], str]:
    """Start trytond on loopback; return its process and URL once it answers on the database."""
    port = port or free_port()
    command = [
        str(environment() / "bin" / "trytond"),
        "-c",
        str(configuration(plant, port)),
        "-d",
        plant.database,
    ]
    with (plant.folder / "trytond.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, process)
    except BaseException:  # Ctrl-C too: it has a session of its own and would stay behind
        process.terminate()
        process.wait(timeout=30)
        raise
    return process, url


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for any HTTP answer; raise TimeoutError, or RuntimeError where trytond ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"trytond ended with code {process.returncode}; see trytond.log"
            raise RuntimeError(message)
        try:
            urllib.request.urlopen(f"{url}/", timeout=5).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    message = f"trytond did not answer on {url} in {START_SECONDS:.0f} s"
    raise TimeoutError(message)


@contextlib.contextmanager
def served(plant: Plant, port: int = 0) -> Iterator[str]:
    """Serve `plant` for the length of the block; yields its URL."""
    process, url = start(plant, port)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def stop(pid: int) -> None:
    """End a detached trytond and wait until it is gone; a process that took over its number is left alone."""
    if not is_trytond(pid):
        return
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGTERM)
        for _ in range(150):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
            time.sleep(0.1)


def is_trytond(pid: int) -> bool:
    """Whether the process is a trytond; where the system does not tell, it is taken for one."""
    try:
        return b"trytond" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
