"""The checks after a fault run see what they are for: each is shown a breach that was made on purpose."""

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import sessionmaker

from casenet.cli.servers import SUPERUSER
from casenet.config import Config
from casenet.database import sessions, use
from tests.faults import invariants
from tests.faults.conftest import Night

# One act of a saboteur each, and a word of the sentence that must be said about it.
SABOTAGE = (
    ("delete from timeline_revision where kind = 'report' and sequence = 1", "is lost"),
    ("update patient_group set last_sequence = last_sequence + 1", "counter"),
    ("update timeline_revision set post_id = gen_random_uuid() where sequence = 2", "holds"),
    (
        "update alert set state = 'open', outcome = null, next_step_at = now() - interval '1 minute'",
        "is silent",
    ),
    ("update alert set sequence = sequence + 1", "not as it was answered"),
    ("delete from alert", "alert was not taken"),
    ("delete from alert_event where n = 2", "have a gap"),
    ("update alert_event set kind = 'arrived' where kind = 'raised'", "while None"),
    ("delete from audit_event where action = 'alert.step'", "audit rows"),
    ("update alert_event set at = at + interval '30 seconds' where kind = 'step'", "late"),
    ("update alert_event set at = at - interval '5 seconds' where kind = 'step' and step >= 2", "early"),
    ("update ping set due_at = due_at - interval '1 minute'", " s late"),
    ("update ping set fence = 0", "claimed 0 times"),
    (
        "update ping set token_hash = convert_to(cast(id as text), 'UTF8'), id = gen_random_uuid(), state = 'sent'",
        "never came out",
    ),
    ("delete from ping", "never reached"),
    ("update alert set closed_at = closed_at - interval '1 hour'", "after the end"),
)


def test_every_breach_is_seen(night: Night, database: Config) -> None:
    night.site.start()
    night.run(posts=30, alerts=6, seconds=3)
    later = (
        "select 1 from alert_event e join alert a on a.id = e.alert_id where e.kind = 'step' "
        "and e.step = case a.level when 'E4' then 3 else 2 end"
    )
    night.until(lambda: invariants.rows(later), seconds=30, what="a step after the first wait")
    assert night.end() == []
    night.site.house.stop()

    # The checks look through the saboteur's own transaction, which is rolled back.
    engine = create_engine(night.site.servers.url(make_url(database.database_url).database or "", SUPERUSER))
    unseen: list[str] = []
    for act, word in SABOTAGE:
        with engine.connect() as connection, connection.begin() as damage:
            connection.execute(text("set local session_replication_role = replica"))
            connection.execute(text(act))
            use(sessionmaker(connection, join_transaction_mode="create_savepoint"))
            told = invariants.check(night.ward, night.record, night.site)
            damage.rollback()
        if not any(word in breach for breach in told):
            unseen.append(f"{act}: {told[:3]}")
    engine.dispose()
    use(sessions(database))

    assert unseen == []
