"""Who a person is and that it is really them: persons, two factors, sessions that end singly, invitations.

Deny by default: a token that is not exactly right gives nobody. Guesses are slowed, owners never locked out.
"""

from casenet.identity.actions import (
    Credentials,
    NewPerson,
    add_person,
    check_new_password,
    end_session,
    enrol_directly,
    find_person_by_login,
    finish_session,
    forget_guesses,
    look_up_credentials,
    note_wrong_password,
    open_session,
    start_session,
    suspend,
)
from casenet.identity.invitations import (
    confirm_second_factor,
    invite,
    invite_again,
    invited_person,
    set_password,
)
from casenet.identity.queries import (
    Asker,
    PersonView,
    asker,
    holder,
    live_sessions,
    named,
    people,
    seen,
    shown,
)
from casenet.identity.secrets import (
    csrf_token,
    hash_password,
    new_totp_secret,
    password_matches,
    same,
    totp_uri,
)

__all__ = [
    "Asker",
    "Credentials",
    "NewPerson",
    "PersonView",
    "add_person",
    "asker",
    "check_new_password",
    "confirm_second_factor",
    "csrf_token",
    "end_session",
    "enrol_directly",
    "find_person_by_login",
    "finish_session",
    "forget_guesses",
    "hash_password",
    "holder",
    "invite",
    "invite_again",
    "invited_person",
    "live_sessions",
    "look_up_credentials",
    "named",
    "new_totp_secret",
    "note_wrong_password",
    "open_session",
    "password_matches",
    "people",
    "same",
    "seen",
    "set_password",
    "shown",
    "start_session",
    "suspend",
    "totp_uri",
]
