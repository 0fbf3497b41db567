"""What gunicorn runs: the app with its sockets."""

import gc

from casenet import config
from casenet.web import greenlets, logs, whole_answers
from casenet.web.app import create_app
from casenet.web.sockets import Sockets

COLLECT_AFTER = (20_000, 20, 20)  # objects, then rounds: a round of the old ones holds up every phone

greenlets.wait_in_loop()
whole_answers.write_at_once()
logs.set_up(config.current().log_level)
app = create_app(config.current())
sockets = Sockets(app)
sockets.start()
# What stands now stands for ever: the collector need not walk it again and again while phones wait.
gc.collect()
gc.freeze()
gc.set_threshold(*COLLECT_AFTER)
