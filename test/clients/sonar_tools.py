"""What sonar-tools does with a server: connects, then makes, changes, audits, exports and deletes webhooks with its own classes.

Takes the server's address, a token and a project's key; prints one JSON document.
"""

import json
import sys

from sonar import webhooks
from sonar.platform import Platform
from sonar.projects import Project

address, token, key = sys.argv[1:]
platform = Platform(url=address, token=token)
platform.verify_connection()


def shown(project=None):
    found = webhooks.WebHook.search(platform, project=project)
    return [{"key": each.key, "name": each.name, "url": each.webhook_url} for each in found.values()]


made = webhooks.WebHook.create(platform, name="by tool", url="http://user:pw@127.0.0.1:9/hook", secret="sixteen-chars-ok")
listed = shown()
changed = made.update(url="http://127.0.0.1:9/other")
of_project = webhooks.WebHook.create(platform, name="of project", url="http://127.0.0.1:9/", project=key)
result = {
    "version": platform.version(),
    "edition": platform.edition(),
    "serverId": platform.server_id(),
    "listed": listed,
    "changed": changed,
    "after": shown(),
    "problems": [str(problem) for problem in made.audit()],
    "exported": webhooks.export(platform, full=True),
    "ofProject": shown(project=key),
    "projects": sorted(Project.search(platform)),
    "deleted": made.delete(),
}
result["left"] = shown()
print(json.dumps(result, default=str))
