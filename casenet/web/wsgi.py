"""What gunicorn runs: the app with its sockets."""

from casenet import config
from casenet.web import greenlets, logs
from casenet.web.app import create_app
from casenet.web.sockets import Sockets

greenlets.wait_in_loop()
logs.set_up(config.current().log_level)
app = create_app(config.current())
sockets = Sockets(app)
sockets.start()
