"""DOOR: background work. What must happen is a row in PostgreSQL; Celery only makes it sooner.

app.py           Celery: queues, limits, the whole timetable
broker.py        Redis as tasks travel over it: survives its death, refuses strangers' messages
every.py         the timetable's clock, which nobody can set
ears.py          hears PostgreSQL's NOTIFY and starts the task at once
eyes.py          looks once a second for what has come due and starts the task
rounds.py        what alert workers and nightwatch both do; knows no Celery and no Redis
alerts.py        the task that moves due alerts and sends due pings
sheets.py        tasks: render and remind
housekeeping.py  tasks: put away what nobody needs
nightwatch.py    a plain loop on PostgreSQL alone that does whatever is overdue
"""
