"""THE table: every route, socket event, task and command, and who may use it. Not listed means refused.

Routes are named by endpoint (blueprint.function). tests/floors/test_permissions.py walks the URL map, the
socket handlers, the Celery tasks and the commands, and fails on anything that does not stand here.
"""

from dataclasses import dataclass

from casenet.groups import Permission as P  # noqa: N817  (the table fits one screen)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may come.

    who     "anyone", "half" (password proven), "person" (signed in), "member" (of the group, with
            `permission`), "administrator" (of the office), "pinged" (member or called for this alert),
            "token" (holder of a one-time token), "operator" (metrics token or this machine), "timetable"
            (the workers' own clock: takes no arguments, so a forged message does what is due anyway).
    """

    who: str
    permission: P | None = None


ANYONE = Rule("anyone")
HALF = Rule("half")
PERSON = Rule("person")
ADMINISTRATOR = Rule("administrator")
TOKEN = Rule("token")
OPERATOR = Rule("operator")
TIMETABLE = Rule("timetable")
DEMO = Rule("anyone")  # these routes exist in the demo only


# Calls at night pass the queue, whatever the load.
URGENT = frozenset(
    {
        "alerts.raise_alert",
        "alerts.list_alerts",
        "alerts.show_alert",
        "alerts.acknowledge",
        "alerts.respond",
        "alerts.arrive",
        "alerts.resolve",
        "alerts.cancel",
        "pings.receive",
        "pings.acknowledge",
        "health.live",
        "health.ready",
        "health.late",
    }
)


# Whoever came lately is recalled, not asked: the one statement of these routes asks by itself (0020).
RECALLING = frozenset({"timeline.create_post", "timeline.list_posts"})


def member(permission: P) -> Rule:
    """A member whose role holds the permission."""
    return Rule("member", permission)


ROUTES: dict[str, Rule] = {
    # the phone app and the machine room
    "phone.index": ANYONE,
    "health.live": ANYONE,
    "health.ready": ANYONE,
    "health.late": ANYONE,
    "health.metrics": OPERATOR,
    "openapi": ANYONE,
    # signing in
    "sessions.session_state": ANYONE,
    "sessions.sign_in": ANYONE,
    "sessions.sign_in_code": HALF,
    "sessions.sign_out": PERSON,
    "sessions.me": PERSON,
    "sessions.invitation": TOKEN,
    "sessions.take_invitation": TOKEN,
    "sessions.confirm_invitation": TOKEN,
    "demo.people": DEMO,
    "demo.sign_in": DEMO,
    # offices
    "facilities.list_facilities": PERSON,
    "facilities.list_people": PERSON,
    "facilities.add_person": ADMINISTRATOR,
    "facilities.invite_again": ADMINISTRATOR,
    "facilities.remove_person": ADMINISTRATOR,
    # groups
    "groups.list_groups": PERSON,
    "groups.open_group": PERSON,
    "groups.group_states": PERSON,
    "groups.show_group": member(P.READ),
    "groups.add_member": member(P.INVITE),
    "groups.remove_member": member(P.REMOVE),
    "groups.show_record": member(P.RECORD),
    "groups.save_record": member(P.EDIT_RECORD),
    # timeline
    "timeline.list_posts": member(P.READ),
    "timeline.create_post": member(P.POST),
    "timeline.show_post": member(P.READ),
    "timeline.correct_post": member(P.POST),
    "timeline.acknowledge_post": member(P.READ),
    "timeline.mark_read": member(P.READ),
    # urgent calls: the alert's group is entered with this permission
    "alerts.raise_alert": member(P.RAISE),
    "alerts.list_alerts": PERSON,
    "alerts.show_alert": member(P.READ),
    "alerts.acknowledge": member(P.ANSWER),
    "alerts.respond": member(P.ANSWER),
    "alerts.arrive": member(P.ANSWER),
    "alerts.resolve": member(P.ANSWER),
    "alerts.cancel": member(P.RAISE),  # who raised it, or a physician or nurse
    "policies.show_policy": member(P.READ),
    "policies.set_policy": member(P.POLICY),
    "policies.show_chain": member(P.READ),
    # one-time tokens of pings: move the deadline, show nothing
    "pings.receive": TOKEN,
    "pings.acknowledge": TOKEN,
    # my browsers
    "push.list_subscriptions": PERSON,
    "push.subscribe": PERSON,
    "push.unsubscribe": PERSON,
    "push.test_push": PERSON,
    # rosters of my office
    "rosters.show_duty": PERSON,
    "rosters.show_duty_now": PERSON,
    "rosters.add_shift": ADMINISTRATOR,
    "rosters.withdraw_shift": ADMINISTRATOR,
    "rosters.add_override": ADMINISTRATOR,
    # sheets
    "sheets.show_form": PERSON,
    "sheets.list_sheets": PERSON,
    "sheets.list_group_sheets": member(P.SHEET_READ),
    "sheets.draft_sheet": member(P.SHEET),
    "sheets.show_sheet": member(P.SHEET_READ),
    "sheets.revise_sheet": member(P.SHEET),
    "sheets.release_sheet": member(P.SHEET),
    "sheets.withdraw_sheet": member(P.SHEET),
    "sheets.renew_link": member(P.SHEET),
    "sheets.preview_sheet": member(P.SHEET_READ),
    "sheets.sheet_document": member(P.SHEET),
    # the hospital's page
    "receipts.style": ANYONE,
    "receipts.show": TOKEN,
    "receipts.open_link": TOKEN,
    "receipts.document": TOKEN,
    "receipts.confirm": TOKEN,
    "receipts.send_back": TOKEN,
}

SOCKET_EVENTS: dict[str, Rule] = {
    "connect": PERSON,
    "disconnect": PERSON,
}

TASKS: dict[str, Rule] = {
    "alerts.advance": TIMETABLE,
    "housekeeping.expire": TIMETABLE,
    "sheets.render": TIMETABLE,
    "sheets.remind": TIMETABLE,
}

# Whoever may run a program on the machine; every one says what it did on the terminal.
COMMANDS: dict[str, Rule] = {
    "alive": OPERATOR,
    "demo": OPERATOR,
    "doctor": OPERATOR,
    "first-member": OPERATOR,
    "keys list": OPERATOR,
    "keys new": OPERATOR,
    "migrate": OPERATOR,
    "secrets": OPERATOR,
}
