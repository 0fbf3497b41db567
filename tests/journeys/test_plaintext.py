"""No plaintext anywhere but in memory: marked words go in through the real doors and come to rest nowhere."""

import json
import quopri
import smtplib
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
import requests
from sqlalchemy import make_url, text

from casenet import clock, facilities
from casenet.config import Config
from casenet.database import transaction
from casenet.ids import new_id
from casenet.notifications import Subscription
from casenet.notifications.channels.vapid import authorization
from casenet.notifications.channels.web_push import seal_for
from tests.cast import Cast
from tests.conftest import Servers, close_servers, start_servers
from tests.faults.phones import Log, Phone
from tests.house import ROOT, Caller, House, caller, populate, wait_until
from tests.journeys.sinks import Monitor, Sinks, Watch, disguises, find
from tests.parts.sheets.case_a import VALUES
from tests.receivers import MailService, PushService

# Four characters that stand in no dictionary of ours, in every Japanese encoding.
WORD = "橙狸翡瓢"
EVERYTHING = ("web", "worker", "worker-sheets", "beat", "nightwatch")


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Servers of this test alone: what another test has planted must not be found here."""
    started = start_servers()
    yield started
    close_servers(started)


@pytest.fixture
def sinks(servers: Servers, house: House, database: Config) -> Iterator[Sinks]:
    """An installation whose every outlet is watched."""
    temporary = house.folder / "temporary"
    temporary.mkdir()
    monitor = Monitor(servers.redis.server)  # pyright: ignore[reportArgumentType]
    with PushService() as pushes, MailService() as mails:
        house.environ |= {"TMPDIR": str(temporary), "PUSH_HOSTS": pushes.host, "SMTP_URL": mails.url}
        name = make_url(database.database_url).database or ""
        watched = Sinks(servers, name, house, monitor, pushes, mails, Watch(temporary))
        # Written as it is: compressed, nothing could be found in it.
        assert b"OK" in watched.tell_redis("CONFIG", "SET", "rdbcompression", "no")
        assert b"OK" in watched.tell_redis("CONFIG", "SET", "appendonly", "yes")
        watched.temporary.start()
        yield watched
        watched.temporary.ended.set()
        monitor.close()


def words(what: str) -> str:
    return f"{WORD}{what}"


def done(answer: requests.Response, status: int = 201) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_marked_words_are_found_in_no_file_log_message_or_mail(house: House, sinks: Sinks) -> None:
    cast = populate()
    hospital = facilities.NewFacility(new_id(), "hospital", "架空記念病院", tel="03-0000-3300")
    with transaction() as session:
        facilities.add_facility(session, hospital, by=None, now=clock.now())
    house.start(*EVERYTHING)
    nurse, doctor, manager = (caller(house, one) for one in (cast.tanaka, cast.sato, cast.mori))
    subscribe(doctor, sinks.pushes)

    group_id = open_group(nurse, cast)
    screen = Phone(doctor, [UUID(group_id)], Random(1))
    screen.logs[str(cast.group)] = Log()
    screen.start()
    wait_until(lambda: screen.connections, what="a live socket")
    write_posts(nurse, group_id)
    call_for_help(nurse, doctor, group_id, sinks)
    send_sheet(manager, group_id, hospital.id)
    be_refused(nurse, doctor, group_id)

    # Everybody who may read has read it, so it was there to be found.
    log = doctor.get(f"/groups/{group_id}/posts?after=0")["revisions"]
    assert sum(WORD in (row["text"] or "") for row in log) >= 6
    wait_until(lambda: screen.logs[group_id].high == len(log), what="the same on a live screen")
    screen.stop()
    assert screen.live_rows
    house_is_quiet(sinks)
    assert find(disguises(WORD), sinks.all()) == {}
    # Workers greet one another with objects; a task is a list of arguments, keywords and Celery's own.
    bodies = [json.loads(body) for body in sinks.monitor.tasks()]
    arguments = {json.dumps(body[:2]) for body in bodies if isinstance(body, list)}
    assert arguments == {"[[], {}]"}


def test_the_search_finds_a_word_planted_in_any_sink(house: House, sinks: Sinks, database: Config) -> None:
    """Without this the test above could be green because it looks nowhere."""
    populate()
    house.start("web")

    with sinks.postgres.connect(sinks.database) as connection:
        connection.execute("create table leak (words text)")
        connection.execute("insert into leak values (%s)", [words("表")])
    sinks.tell_redis("SET", "leak", words("鍵"))
    start_task = f"from workers.app import app; app.send_task('alerts.advance', args=['{words('引数')}'])"
    subprocess.run([sys.executable, "-c", start_task], cwd=ROOT, env=house.environ, check=True)
    (house.folder / "temporary" / "short").write_text(words("一時"))
    wait_until(lambda: any("short" in key[0] for key in sinks.temporary.seen), what="a look at the file")
    (house.folder / "temporary" / "short").unlink()
    push_words(sinks, database)
    with smtplib.SMTP(*sinks.mails.url.removeprefix("smtp://").split(":")) as smtp:  # pyright: ignore[reportArgumentType]
        mail = (
            f"Subject: x\nMessage-ID: <leak@test>\nContent-Transfer-Encoding: base64\n"
            f"Content-Type: text/plain; charset=utf-8\n\n{b64encode(words('手紙').encode()).decode()}"
        )
        smtp.sendmail("a@casenet.example", "b@casenet.example", mail)
    with (house.folder / "web.log").open("a") as log:
        log.write(f"{words('記録')!a}\n")
    with sinks.servers.postgres.log.open("a", encoding="euc_jp") as log:
        log.write(words("記録"))

    sinks.settle()
    every = sinks.all()
    assert find(disguises(WORD), every).keys() == every.keys()


SENTENCE = f"前置き{WORD}。後書き"


@pytest.mark.parametrize(
    "content",
    [
        *(
            SENTENCE.encode(codec)
            for codec in ("utf-8", "utf-16", "utf-16-be", "euc_jp", "cp932", "iso2022_jp")
        ),
        *(b64encode(b" " * before + SENTENCE.encode()) for before in range(3)),
        json.dumps({"text": SENTENCE}).encode(),
        SENTENCE.encode().hex().encode(),
        repr(SENTENCE.encode()).encode(),
        quopri.encodestring(SENTENCE.encode()).replace(b"=\n", b""),
        quote(SENTENCE).encode(),
        SENTENCE.encode("ascii", "xmlcharrefreplace"),
        repr(SENTENCE.encode("utf-8"))[2:-1].encode().decode("unicode_escape").encode("latin-1"),
    ],
)
def test_every_disguise_is_seen_through(content: bytes) -> None:
    assert find(disguises(WORD), {"sink": [("here", content)]}).keys() == {"sink"}
    assert not find(disguises(WORD), {"sink": [("here", content[: len(content) // 4])]})


# What the people of the group do, each act with marked words in everything that a person can write.


def subscribe(person: Caller, pushes: PushService) -> None:
    browser = pushes.browser("doctor")
    body = {"endpoint": pushes.endpoint("doctor"), "keys": browser.keys()}
    done(person.post("/push-subscriptions", body))


def patient() -> dict[str, str]:
    return {
        "name": words("名"),
        "kana": words("カナ"),
        "birth_date": "1938-04-12",
        "sex": "female",
        "address": words("住所"),
        "tel": words("電話"),
        "summary": words("要約"),
    }


def open_group(nurse: Caller, cast: Cast) -> str:
    group_id = str(new_id())
    done(nurse.post("/groups", {"id": group_id, "patient": patient(), "function": "visiting_nurse"}))
    for person_id, function in ((cast.sato, "attending_physician"), (cast.mori, "responsible_care_manager")):
        body = {"person_id": str(person_id), "function": function}
        done(nurse.post(f"/groups/{group_id}/members", body))
    record = {"patient": patient(), "fields": VALUES | {"w.life_history": words("記録")}}
    done(nurse.send("PUT", f"/groups/{group_id}/record", record, **{"If-Match": '"1"'}), 200)
    return group_id


def write_posts(nurse: Caller, group_id: str) -> None:
    path = f"/groups/{group_id}/posts"
    for kind in ("report", "question", "instruction"):
        post = {"id": str(new_id()), "kind": kind, "text": words(kind)}
        done(nurse.post(path, post))
        done(nurse.post(f"{path}/{post['id']}/revisions", {"revision": 2, "text": words("訂正")}))
        done(nurse.post(f"{path}/{post['id']}/acknowledgement"))


def call_for_help(nurse: Caller, doctor: Caller, group_id: str, sinks: Sinks) -> None:
    for ending in ({"outcome": "nurse_visit", "note": words("結果")}, {"reason": words("取消")}):
        alert: dict[str, Any] = {
            "id": str(new_id()),
            "post_id": str(new_id()),
            "level": "E4",
            "signs": ["breathing"],
        }
        alert |= {part: words(part) for part in ("situation", "background", "assessment", "request")}
        done(nurse.post(f"/groups/{group_id}/alerts", alert))

        def pushed(alert_id: str = alert["id"]) -> Any:
            messages = [one.message for one in sinks.pushes.received]
            return next((one for one in messages if one.get("alert_id") == alert_id), None)

        message = wait_until(pushed, what="a push to the doctor")
        wait_until(lambda: sinks.mails.received, what="a mail")
        nobody = requests.Session()
        for verb in ("receipt", "acknowledgement"):
            address = f"{doctor.house.origin}/api/v1/pings/{message['ping_token']}/{verb}"
            assert nobody.post(address, json={}, timeout=15).ok
        done(doctor.post(f"/alerts/{alert['id']}/response", {"how": "visit", "eta_minutes": 20}), 200)
        verb = "resolution" if "outcome" in ending else "cancellation"
        done(doctor.post(f"/alerts/{alert['id']}/{verb}", ending), 200)


def send_sheet(manager: Caller, group_id: str, hospital_id: UUID) -> None:
    sheet = done(manager.post(f"/groups/{group_id}/sheets", {"id": str(new_id()), "kind": "admission"}))
    path = f"/sheets/{sheet['id']}"
    values = VALUES | {"p.name": words("患者"), "w.interests": words("欄"), "hdr.cm_name": words("担当")}
    done(manager.send("PUT", path, {"values": values}, **{"If-Match": '"1"'}), 200)
    assert manager.http.get(f"{manager.house.origin}/api/v1{path}/preview.pdf", timeout=30).ok
    release = {"facility_id": str(hospital_id), "contact": words("宛先")}
    done(manager.post(f"{path}/release", release), 200)

    def sent() -> Any:
        found = manager.get(path)
        return found if found["state"] == "sent" else None

    handover = wait_until(sent, seconds=30, what="delivery to the hospital")["handover"]
    ward = requests.Session()
    page = ward.post(f"{handover['link']}/open", data={"code": handover["code"]}, timeout=15)
    assert words("患者") in page.text
    assert ward.get(f"{handover['link']}/document.pdf", timeout=15).content.startswith(b"%PDF")
    receipt = {"name": words("受取"), "completeness": "partly"}
    assert ward.post(f"{handover['link']}/receipt", data=receipt, timeout=15).ok


def be_refused(nurse: Caller, doctor: Caller, group_id: str) -> None:
    """Mistakes and attacks: what is refused must not be written down either."""
    path = f"/groups/{group_id}/posts"
    taken = str(new_id())
    done(doctor.post(path, {"id": taken, "kind": "report", "text": words("先")}))
    done(nurse.post(path, {"id": taken, "kind": "report", "text": words("後")}), 409)
    for body in ({"text": words("")}, {"id": words(""), "kind": words(""), "text": words("\0")}, [words("")]):
        done(nurse.post(path, body), 422)
    done(nurse.post(f"{path}/{taken}/revisions", {"revision": 2, "text": words("他人の")}), 404)
    done(nurse.post(path, {"id": str(new_id()), "kind": "report", "text": words("長") * 5000}), 422)
    origin = nurse.house.origin
    for address in (
        f"/api/v1/groups/{quote(WORD)}",
        f"/handover/{quote(WORD)}",
        f"/{quote(WORD)}?q={quote(WORD)}",
    ):
        assert nurse.http.get(f"{origin}{address}", timeout=15).status_code in (200, 404)
    login = {"login": words("名"), "password": words("合言葉")}
    assert requests.post(f"{origin}/api/v1/session", json=login, timeout=15).status_code in (401, 403, 422)
    broken = nurse.http.post(f"{origin}/api/v1{path}", data=f'{{"text": "{words("")}', timeout=15)
    assert broken.status_code in (400, 415, 422)


def house_is_quiet(sinks: Sinks) -> None:
    """Nothing is on its way any more, and everything is on the disk."""
    with transaction() as session:
        waiting = text("select count(*) from ping where state = 'pending'")
        wait_until(lambda: session.scalar(waiting) == 0, what="an end of pings")
    sinks.settle()


def push_words(sinks: Sinks, config: Config) -> None:
    """Push a text that no ping carries, as our channel would."""
    browser = sinks.pushes.browser("doctor")
    endpoint = sinks.pushes.endpoint("doctor")
    subscription = Subscription(new_id(), endpoint, browser.p256dh, browser.auth, clock.now())
    sealed = seal_for(subscription, json.dumps({"ping_token": "", "leak": words("通知")}).encode())
    headers = {"Content-Encoding": "aes128gcm"}
    headers["Authorization"] = authorization(config, f"http://{sinks.pushes.host}")
    requests.post(endpoint, sealed, headers=headers, timeout=15).raise_for_status()
