"""What a script does with python-sonarqube-api: asks who is there, then looks after webhooks by the library's own way of declaring calls.

Takes the server's address, a token and a project's key; prints one JSON document.
"""

import json
import sys

from sonarqube import SonarQubeClient
from sonarqube.utils.common import GET, POST
from sonarqube.utils.exceptions import AuthError, NotFoundError, ValidationError
from sonarqube.utils.rest_client import RestClient


class Webhooks(RestClient):
    @POST("/api/webhooks/create")
    def create(self, name, url, project=None, secret=None):
        """Makes a webhook."""

    @GET("/api/webhooks/list")
    def list(self, project=None):
        """Lists webhooks."""

    @POST("/api/webhooks/update")
    def update(self, webhook, name, url, secret=None):
        """Changes a webhook."""

    @POST("/api/webhooks/delete")
    def delete(self, webhook):
        """Deletes a webhook."""

    @GET("/api/webhooks/deliveries")
    def deliveries(self, webhook=None, ps=None):
        """Lists what was sent."""


def refused(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    return None


address, token, key = sys.argv[1:]
client = SonarQubeClient(sonarqube_url=address, token=token)
webhooks = Webhooks(client)
created = webhooks.create(name="by script", url="http://user:pw@127.0.0.1:9/hook", secret="sixteen-chars-ok")
webhook = created["webhook"]["key"]
listed = webhooks.list()
# As a form that was filled with the list would send it back.
webhooks.update(webhook=webhook, name="renamed", url=listed["webhooks"][0]["url"])
result = {
    "valid": client.auth.check_credentials(),
    "stranger": SonarQubeClient(sonarqube_url=address, token="nobody").auth.check_credentials(),
    "version": client.server.get_server_version(),
    "project": client.projects.get_project(key),
    "analyses": client.project_analyses.search_project_analyses_and_events(project=key),
    "created": created,
    "listed": listed,
    "renamed": webhooks.list(),
    "deliveries": webhooks.deliveries(webhook=webhook, ps=5),
    "ofProject": webhooks.create(name="of project", url="http://127.0.0.1:9/", project=key),
    "badUrl": refused(ValidationError, lambda: webhooks.create(name="x", url="nope")),
    "unknown": refused(NotFoundError, lambda: webhooks.delete(webhook="no-such")),
    "nobody": refused(AuthError, lambda: Webhooks(SonarQubeClient(sonarqube_url=address, token="nobody")).list()),
}
webhooks.delete(webhook=webhook)
result["left"] = webhooks.list()
print(json.dumps(result))
