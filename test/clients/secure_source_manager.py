"""What a script does with Google's own client of Secure Source Manager, its end point changed: looks after the hooks of a repository.

Takes the server's address without http://, a token and the repository's resource name; prints one JSON document.
"""

import json
import sys

from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import Credentials
from google.cloud.securesourcemanager_v1 import Hook, SecureSourceManagerClient
from google.cloud.securesourcemanager_v1.services.secure_source_manager.transports.rest import SecureSourceManagerRestTransport
from google.protobuf.field_mask_pb2 import FieldMask


class Token(Credentials):
    """A token that stays what it is."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    expired = False
    valid = True

    def refresh(self, request):
        pass


def shown(hook):
    events = [Hook.HookEventType(event).name for event in hook.events]
    return [hook.name, hook.target_uri, hook.disabled, events, hook.push_option.branch_filter, hook.sensitive_query_string]


def refused(call):
    try:
        call()
    except GoogleAPICallError as error:
        return [type(error).__name__, error.reason]
    return None


def client(token):
    host = f"{address}/securesourcemanager"
    transport = SecureSourceManagerRestTransport(host=host, credentials=Token(token), url_scheme="http")
    return SecureSourceManagerClient(transport=transport), transport


address, token, parent = sys.argv[1:]
ours, transport = client(token)
name = f"{parent}/hooks/build"
target = "https://build.example.com/v1/projects/p/triggers/t:webhook"
hook = Hook(
    target_uri=target,
    sensitive_query_string="key=AIzaSy-of-nobody&secret=Hello%20There",
    events=[Hook.HookEventType.PUSH, Hook.HookEventType.PULL_REQUEST],
    push_option=Hook.PushOption(branch_filter="main"),
)
told = {"repository": ours.get_repository(name=parent).name}
created = ours.create_hook(parent=parent, hook=hook, hook_id="build")
told["created"] = shown(created.result(timeout=10))
told["operation"] = [created.metadata.verb, created.metadata.target, created.metadata.api_version]
told["readAgain"] = transport.operations_client.get_operation(created.operation.name).done
told["got"] = shown(ours.get_hook(name=name))
mask = FieldMask(paths=["disabled", "push_option.branch_filter"])
told["updated"] = shown(ours.update_hook(hook=Hook(name=name, disabled=True, target_uri="https://no.example"), update_mask=mask).result())
whole = Hook(name=name, target_uri=target, events=[Hook.HookEventType.PULL_REQUEST])
told["replaced"] = shown(ours.update_hook(hook=whole, update_mask=FieldMask(paths=["*"])).result())
for number in range(8):
    ours.create_hook(parent=parent, hook=Hook(target_uri="https://example.com/"), hook_id=f"more-{number}").result()
told["pages"] = [len(page.hooks) for page in ours.list_hooks(request={"parent": parent, "page_size": 4}).pages]
told["deleted"] = str(ours.delete_hook(name=name).result(timeout=10))
told["refused"] = [
    refused(lambda: ours.get_hook(name=name)),
    refused(lambda: ours.create_hook(parent=parent, hook=Hook(target_uri=target), hook_id="more-1")),
    refused(lambda: ours.create_hook(parent=parent, hook=Hook(target_uri=target), hook_id="Build-")),
    refused(lambda: ours.create_hook(parent=parent, hook=Hook(target_uri="http://10.0.0.1/"), hook_id="inside")),
    refused(lambda: client("gp_nobody")[0].list_hooks(parent=parent)),
]
print(json.dumps(told))
