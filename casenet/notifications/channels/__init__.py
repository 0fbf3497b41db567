"""One file per channel: takes a Letter, speaks to the world outside any transaction, says how it went."""

from casenet.config import Config
from casenet.notifications.channels import email, in_app, web_push
from casenet.notifications.letters import Letter, Outcome
from casenet.notifications.rules import Channel

_SEND = {Channel.IN_APP: in_app.send, Channel.WEB_PUSH: web_push.send, Channel.EMAIL: email.send}


def deliver(letter: Letter, settings: Config) -> Outcome:
    """Send one letter over its channel."""
    return _SEND[letter.channel](letter, settings)
