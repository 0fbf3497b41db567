"""CaseNet: encrypted patient timelines, night calls and admission sheets for home-care teams.

The floors, top to bottom; each imports only what lies below it (held by import-linter):

    workers | casenet.web | casenet.cli                    doors: independent of one another
    metrics, sheets, escalation, timeline, rosters,        parts: what users talk about
    groups, facilities, notifications, identity, audit
    realtime | crypto | leases, database                   ground with a database
    config | clock | ids | errors | words                  ground
"""
