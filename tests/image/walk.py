"""docs/operating.md walked as it stands, with a real engine: `make image-test`, not `make test`.

Needs Docker with Compose 2 and the ports 80 and 443. The project's files are copied to a folder of their own, so
that nothing of an installation here is touched; the secrets, volumes, networks and containers are removed at the
end, the image stays. CASENET_HOST is casenet.localhost, for which Caddy signs its own certificate.
"""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests
import yaml
from aiosmtpd.controller import Controller
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from casenet import clock
from casenet.cli.processes import PROCESSES
from casenet.ids import new_id
from tests.house import free_port, wait_until
from tests.parts.sheets.case_a import VALUES
from tests.receivers import MailService

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "operating.md").read_text("utf-8")
HOST = "casenet.localhost"
ORIGIN = f"https://{HOST}"
OURS = [process.name for process in PROCESSES]
PASSWORD = "いろはにほへと ちりぬるを わかよ"
TOTP_SECONDS = 30

pytestmark = pytest.mark.timeout(900)


def steps(word: str) -> str:
    """The one block of commands in docs/operating.md that holds `word`."""
    blocks = re.findall(r"\n\n((?: {6,}\S.*\n(?: {8,}.*\n)*)+)", PAGE)
    (found,) = [block for block in blocks if word in block]
    return re.sub(r"^ +", "", found, flags=re.MULTILINE)


@dataclass
class Person:
    """Somebody with a browser that trusts the front."""

    http: requests.Session
    login: str
    secret: str = ""
    me: dict[str, Any] = field(default_factory=dict[str, Any])
    cookies: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.http.request(method, f"{ORIGIN}/api/v1{path}", json=body, headers=headers, timeout=15)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text}")
        if answer.headers.get("Set-Cookie"):
            self.cookies[path] = answer.headers["Set-Cookie"]
        return answer.json() if answer.content else None

    def accept(self, path: str) -> None:
        """Take up an invitation: a password and a second factor."""
        token = path.rsplit("/", 1)[1]
        self.secret = self.ask("POST", f"/invitations/{token}", {"password": PASSWORD})["totp_secret"]
        self.ask("POST", f"/invitations/{token}/code", {"code": self.code(-1)})

    def sign_in(self) -> None:
        self.ask("POST", "/session", {"login": self.login, "password": PASSWORD})
        # A code opens once: the invitation has used the one before.
        self.me = self.ask("POST", "/session/code", {"code": self.code(0)})
        self.http.headers["X-CSRF-Token"] = self.me["csrf_token"]

    def code(self, ahead: int) -> str:
        return pyotp.TOTP(self.secret).at(int(clock.now().timestamp()) + ahead * TOTP_SECONDS)

    def socket(self, origin: str = ORIGIN) -> ClientConnection:
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        trusted = ssl.create_default_context(cafile=str(self.http.verify))
        return connect(
            f"wss://{HOST}/socket.io/?EIO=4&transport=websocket",
            ssl=trusted,
            origin=origin,
            additional_headers={"Cookie": cookie},
        )


@dataclass
class Installation:
    """CaseNet by Compose in a folder of its own."""

    folder: Path
    doctor: Person = field(init=False)
    manager: Person = field(init=False)
    group: str = ""

    def run(self, commands: str, *, good: bool = True) -> str:
        """What a shell says to `commands`, each of which must end well."""
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", commands],
            cwd=self.folder,
            env=os.environ | {"COMPOSE_PROJECT_NAME": "casenet-image-test"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == good, f"{commands}\n{done.stdout[-4000:]}"
        return done.stdout

    def trust(self) -> Path:
        """The certificate of the front's own authority."""
        root = self.folder / "front.crt"
        self.run(f"docker compose cp front:/data/caddy/pki/authorities/local/root.crt {root.name}")
        return root

    def person(self, login: str) -> Person:
        http = requests.Session()
        http.trust_env = False
        http.verify = str(self.trust())
        return Person(http, login)

    def secrets(self) -> dict[str, str]:
        """What stands in the files of secrets/, by name."""
        return {path.name: path.read_text().strip() for path in (self.folder / "secrets").iterdir()}

    def health(self) -> dict[str, str]:
        """Health by service, of what stays up."""
        names = self.run("docker compose ps --format '{{.Name}}'").split()
        told = self.run(
            "docker inspect -f '{{index .Config.Labels \"com.docker.compose.service\"}} {{.State.Health.Status}}' "
            + " ".join(names)
        )
        return dict(line.split() for line in told.splitlines())

    def wait_until_well(self) -> None:
        up = set(OURS) | {"front", "postgres", "redis"}
        wait_until(
            lambda: self.health() == dict.fromkeys(up, "healthy"), seconds=180, what="health of every service"
        )

    def posts(self) -> list[str]:
        """The group's timeline as the doctor reads it, as soon as it is there again."""
        page = wait_until(
            lambda: self.doctor.ask("GET", f"/groups/{self.group}/posts?after=0&marks_after=0"),
            seconds=60,
            what="the timeline",
        )
        return [row["text"] for row in page["revisions"] if row["text"]]


@pytest.fixture(scope="module", autouse=True)
def _name() -> Iterator[None]:
    """casenet.localhost is this machine, whatever its resolver knows."""
    real = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1" if host == HOST else host, *a, **k)
        )
        yield


@pytest.fixture(scope="module")
def mail() -> Iterator[Controller]:
    """A mail server that containers reach under the name mail.casenet.test."""
    server = Controller(MailService(), hostname="0.0.0.0", port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, mail: Controller) -> Iterator[Installation]:
    """An empty machine, on which docs/operating.md was followed to its last step of the set-up."""
    folder = tmp_path_factory.mktemp("machine") / "casenet"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, files.stdout.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    here = Installation(folder)
    # What only this machine is: where its mail server stands.
    (folder / "docker-compose.override.yml").write_text(
        yaml.safe_dump(
            {"services": {name: {"extra_hosts": ["mail.casenet.test:host-gateway"]} for name in OURS}}
        )
    )
    try:
        here.run(steps("docker build"))
        (folder / "secrets/smtp_url").write_text(f"smtp://mail.casenet.test:{mail.port}\n")
        here.run(steps("chown 10001"))
        (folder / ".env").write_text(
            steps("CASENET_HOST=").replace("CASENET_HOST=casenet.example", f"CASENET_HOST={HOST}")
        )
        told = here.run(steps("first-member"))
        here.doctor = here.person("aoki")
        here.doctor.accept(re.findall(rf"{ORIGIN}(/invitations/\S+)", told)[0])
        here.doctor.sign_in()
        yield here
    finally:
        here.run("docker compose down -v --timeout 30 || true")


def test_every_service_gets_well(installation: Installation) -> None:
    installation.wait_until_well()

    assert "Exited (0)" in installation.run("docker compose ps -a migrate --format '{{.Status}}'")


def test_the_doctor_is_content_in_every_process(installation: Installation) -> None:
    for name in OURS:
        told = installation.run(f"docker compose exec -T {name} casenet doctor")
        assert "BAD" not in told
        assert ("No key-encryption key here" in told) == (name not in ("web", "worker-sheets"))


def test_our_processes_have_no_rights_and_write_nothing(installation: Installation) -> None:
    for name in OURS:
        told = installation.run(
            f'docker compose exec -T {name} sh -c \'id -u; grep -E "CapEff|NoNewPrivs" /proc/1/status; '
            "touch /app/x 2>/dev/null || echo closed'"
        ).split()
        assert told == ["10001", "CapEff:", "0000000000000000", "NoNewPrivs:", "1", "closed"], name


def test_secrets_stand_in_no_environment_and_no_layer(installation: Installation) -> None:
    secrets = installation.secrets()
    names = installation.run("docker compose ps -aq").split()
    told = installation.run(f"docker inspect {' '.join(names)}") + installation.run(
        "docker history --no-trunc casenet; docker run --rm --user 0 casenet grep -rl casenet_owner: / --include=* "
        "--exclude-dir=proc --exclude-dir=sys || true"
    )

    assert len(secrets) >= 9
    assert [name for name, value in secrets.items() if value in told] == []


def test_the_front_speaks_tls_only_and_says_each_header_once(installation: Installation) -> None:
    http = installation.doctor.http
    plain = http.get(f"http://{HOST}/", allow_redirects=False, timeout=10)
    page = http.get(ORIGIN, timeout=10)

    assert (plain.status_code, plain.headers["Location"]) == (308, f"{ORIGIN}/")
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"].count("max-age") == 1
    assert "Server" not in page.headers
    for path, status in {
        "/metrics": 404,
        "/health/live": 404,
        "/health/ready": 404,
        "/health/late": 200,
    }.items():
        assert http.get(ORIGIN + path, timeout=10).status_code == status, path


def test_the_cookie_is_bound_to_this_host_and_to_tls(installation: Installation) -> None:
    cookie = installation.doctor.cookies["/session/code"]

    assert cookie.startswith("__Host-casenet=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_redis_answers_nobody_without_its_password(installation: Installation) -> None:
    assert "NOAUTH" in installation.run("docker compose exec -T redis valkey-cli ping")


def test_a_team_writes_and_hears_live(installation: Installation) -> None:
    doctor = installation.doctor
    office = doctor.me["person"]["facility"]["id"]
    person = {
        "id": str(new_id()), "login": "mori", "email": "mori@casenet.example", "name": "森 京子",
        "name_kana": "モリ キョウコ", "profession": "care_manager",
    }  # fmt: skip
    added = doctor.ask("POST", f"/facilities/{office}/people", person)
    manager = installation.manager = installation.person("mori")
    manager.accept(added["invitation_path"])
    manager.sign_in()
    patient = {
        "name": "佐野 ハル", "kana": "サノ ハル", "birth_date": "1938-04-02", "sex": "female", "address": "",
    }  # fmt: skip
    group = {"id": str(new_id()), "patient": patient, "function": "attending_physician"}
    installation.group = doctor.ask("POST", "/groups", group)["id"]
    doctor.ask("POST", f"/groups/{installation.group}/members", {"person_id": person["id"]})

    with manager.socket() as line:
        assert str(line.recv(5)).startswith("0{")
        line.send("40")
        assert str(line.recv(5)).startswith("40{")
        post = {"id": str(new_id()), "kind": "report", "text": "体温36.8、食事は全量。"}
        doctor.ask("POST", f"/groups/{installation.group}/posts", post)
        heard = wait_until(lambda: next((m for m in [str(line.recv(5))] if '"changes"' in m), None))

    assert json.loads(heard[2:])[1]["revisions"][0]["text"] == post["text"]
    with pytest.raises(InvalidStatus):
        manager.socket(origin="https://elsewhere.example").close()


def test_a_call_reaches_the_doctors_mail(installation: Installation, mail: Controller) -> None:
    call = {"id": str(new_id()), "post_id": str(new_id()), "level": "E3", "situation": "呼吸が苦しそう"}
    installation.manager.ask("POST", f"/groups/{installation.group}/alerts", call)

    received: list[EmailMessage] = mail.handler.received
    letter = wait_until(lambda: received and received[0], what="a letter")
    assert letter["To"] == "aoki@casenet.example"
    assert "佐野" not in letter.as_string()


def test_a_sheet_is_printed_and_comes_to_its_link(installation: Installation) -> None:
    manager, group = installation.manager, installation.group
    sheet = manager.ask("POST", f"/groups/{group}/sheets", {"id": str(new_id()), "kind": "admission"})
    path = f"/sheets/{sheet['id']}"
    manager.ask("PUT", path, {"values": VALUES}, **{"If-Match": '"1"'})
    office = manager.me["person"]["facility"]["id"]
    manager.ask("POST", f"{path}/release", {"facility_id": office})

    link = wait_until(lambda: manager.ask("GET", path)["handover"]["link"], seconds=60, what="a link")
    assert link.startswith(f"{ORIGIN}/handover/")
    assert requests.get(link, verify=manager.http.verify, timeout=10).status_code == 200


@pytest.mark.parametrize("name", ["front", *OURS, "redis", "postgres"])
def test_a_restart_of_any_service_loses_nothing(installation: Installation, name: str) -> None:
    before = installation.posts()

    installation.run(f"docker compose restart {name}")

    assert before
    assert installation.posts() == before


def test_after_restarts_every_service_gets_well_again(installation: Installation) -> None:
    installation.wait_until_well()


def test_while_the_web_is_away_the_front_logs_no_token(installation: Installation) -> None:
    doctor, token = installation.doctor, "a-one-time-token-of-a-link"

    installation.run("docker compose stop web")
    try:
        answer = doctor.http.get(f"{ORIGIN}/handover/{token}", timeout=30)
    finally:
        installation.run("docker compose start web")
        installation.wait_until_well()

    told = installation.run("docker compose logs front")
    assert answer.status_code == 502
    assert '"status":502' in told
    assert {word for word in (token, doctor.me["csrf_token"]) if word in told} == set()


def test_no_process_says_what_a_team_wrote(installation: Installation) -> None:
    # Of all containers since the set-up: a restart keeps what they said.
    told = installation.run("docker compose logs")

    assert not {
        word for word in ("佐野", "体温36.8", "呼吸が苦しそう", "mori@casenet", PASSWORD) if word in told
    }
    assert "Read-only file system" not in told


def test_a_new_key_is_added_beside_the_old_one(installation: Installation) -> None:
    before = installation.posts()

    told = installation.run(steps("keys new"))

    assert "version 2: 0 keys of groups (seals new groups)" in told
    assert "version 1: 1 keys of groups (opens)" in told
    assert installation.posts() == before


def test_an_update_whose_migration_fails_changes_nothing(installation: Installation) -> None:
    before = installation.run("docker compose ps -q")
    line = next(line for line in steps("docker compose build").splitlines() if "migrate" in line)

    installation.run(
        line.replace("--rm migrate", "--rm -e OWNER_DATABASE_URL_FILE=/nowhere migrate"), good=False
    )

    assert installation.run("docker compose ps -q") == before


def test_an_update_keeps_everything(installation: Installation) -> None:
    before, image = installation.posts(), installation.run("docker image inspect -f '{{.Id}}' casenet")
    secrets = installation.secrets()
    with (installation.folder / "casenet/__init__.py").open("a") as file:
        file.write("\n# An update.\n")

    installation.run(steps("docker compose build"))

    now = installation.run("docker image inspect -f '{{.Id}}' casenet")
    running = installation.run(
        f"docker inspect -f '{{{{.Image}}}}' $(docker compose ps -q {' '.join(OURS)}) | sort -u"
    )
    assert now != image
    assert running == now
    assert installation.secrets() == secrets
    assert installation.posts() == before


def test_a_backup_comes_back_on_an_empty_machine(installation: Installation) -> None:
    before = installation.posts()
    installation.run(steps("pg_dump"))
    installation.run("docker compose down -v")

    installation.run(steps("pg_restore"))

    # Its front has an authority of its own.
    wait_until(lambda: not installation.doctor.http.close() and installation.trust(), what="a certificate")
    assert installation.posts() == before
    installation.wait_until_well()
    assert "BAD" not in installation.run("docker compose exec -T web casenet doctor")
