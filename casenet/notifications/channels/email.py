"""E-mail over SMTP: says that something waits, and where the app is. No id, no name, no reason."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from casenet.config import Config
from casenet.notifications.letters import Letter, Outcome
from casenet.notifications.rules import is_loopback
from casenet.words import say

TIMEOUT_SECONDS = 8  # below the lease, so that a slow server does not make a second sender send again


def send(letter: Letter, settings: Config) -> Outcome:
    """Hand one mail to the SMTP server."""
    server = urlsplit(settings.smtp_url)
    try:
        mail = compose(letter, settings)
    except Exception:  # noqa: BLE001  (the standard library stumbles in many ways over what is no address)
        return Outcome.give_up("smtp-address")
    try:
        with _connect(server.scheme, server.hostname or "", server.port) as smtp:
            if server.username:
                smtp.login(unquote(server.username), unquote(server.password or ""))
            smtp.send_message(mail)
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        return _failed(max(codes, default=500))
    except smtplib.SMTPResponseException as answer:
        return _failed(answer.smtp_code)
    except (smtplib.SMTPException, OSError) as error:
        return Outcome.retry(f"smtp-{type(error).__name__}")
    return Outcome.sent()


def compose(letter: Letter, settings: Config) -> EmailMessage:
    """The mail. Its Message-ID is the ping's, so that a repeat is one mail to those who look at it."""
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    mail["To"] = letter.email
    mail["Subject"] = say(f"mail.{letter.about}.subject")
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{letter.ping_id}@{urlsplit(settings.public_origin).hostname}>"
    mail["Auto-Submitted"] = "auto-generated"
    if letter.urgent:
        mail["Importance"] = "high"
    mail.set_content(say(f"mail.{letter.about}.body", origin=settings.public_origin))
    return mail


def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=context)
    smtp = smtplib.SMTP(host, port or 25, timeout=TIMEOUT_SECONDS)
    smtp.ehlo()
    if smtp.has_extn("starttls") and not is_loopback(host):
        smtp.starttls(context=context)
        smtp.ehlo()
    return smtp


def _failed(code: int) -> Outcome:
    return Outcome.give_up(f"smtp-{code}") if code >= 500 else Outcome.retry(f"smtp-{code}")
