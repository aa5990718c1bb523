"""The studio in a browser: the only place that knows Gradio, and (with `cli`) the only one that words what rooms say.

Pages read a form, call one verb of a room and return a view; views are pure functions from records to HTML. Nothing is
remembered here: everything shown is read from the project on disk, so a reload, a second tab and a restart just work.
"""

from studio.base import settings
from studio.web import thrift

settings.silence_libraries()  # Gradio reads its telemetry switch when it is imported, so this stands before every page
thrift.without_stubs()
