"""The page at ``/``: a search box over the index, its columns of hits, and the map.

``static/`` has the page as the browser gets it: HTML, a style sheet and ES modules, without a build
and without a script of others. ``routes`` serves these files, ``report`` the report of the tuning.

Scripts only ever set ``textContent``, and the policy in the headers has the browser refuse the
rest: no script and no request of another host, no inline script, no text that becomes markup.
"""

from sentune.serving.page.report import REPORT
from sentune.serving.page.routes import OPEN, page_routes

__all__ = ["OPEN", "REPORT", "page_routes"]
