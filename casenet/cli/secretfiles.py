"""The secrets of a production installation, each in a file of its own (docker-compose.yml names them)."""

import os
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe

from casenet.cli.children import CannotStart
from casenet.cli.installation import new_vapid_key
from casenet.crypto.keys import new_kek

CASENET_USER, POSTGRES_USER, REDIS_USER = 10001, 999, 999  # who reads them in the three images


def write_secrets(folder: Path, *, database_host: str, redis_host: str) -> list[str]:
    """Make the secrets that are missing and return their names; what is there is never changed.

    As root every file is given to the one user that reads it; otherwise they stay the caller's.
    Raises CannotStart when the folder cannot be written.
    """
    made: list[str] = []

    def keep(name: str, make: Callable[[], str], user: int = CASENET_USER) -> str:
        path = folder / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400), "w") as file:
                file.write(make())
            if os.geteuid() == 0:
                os.chown(path, user, user)
            made.append(name)
        return path.read_text("utf-8").strip()

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep("admin_password", token_urlsafe, POSTGRES_USER)
        owner = keep("owner_password", token_urlsafe, POSTGRES_USER)
        application = keep("app_password", token_urlsafe, POSTGRES_USER)
        place = f"{database_host}/casenet"
        keep("owner_database_url", lambda: f"postgresql+psycopg://casenet_owner:{owner}@{place}")
        keep("database_url", lambda: f"postgresql+psycopg://casenet_app:{application}@{place}")
        config = keep("redis_config", lambda: f"requirepass {token_urlsafe()}", REDIS_USER)
        keep("redis_url", lambda: f"redis://:{config.split()[1]}@{redis_host}:6379/0")
        keep("kek", lambda: new_kek(1))
        keep("pepper", token_urlsafe)
        keep("vapid_private_key", new_vapid_key)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be written: {error.strerror}.") from None
    return made
