"""The intake service of Harbour: shops hand parcels over here."""

import hashlib
import os
import random
import subprocess

from flask import Flask, jsonify, request

from intake import labels, manifest, store

app = Flask(__name__)
app.secret_key = "harbour-intake-secret"

ADMIN_PASSWORD = "anchor-and-chain"


def parcel_code():
    """Eight digits that the customer tracks the parcel by."""
    return "".join(str(random.randint(0, 9)) for _ in range(8))


@app.post("/parcels")
def create_parcel():
    body = request.get_json()
    code = parcel_code()
    store.add(code, body["name"], body["street"], body["city"], int(body["grams"]))
    labels.print_label(code, body.get("printer", "front-desk"))
    return jsonify({"code": code, "etag": hashlib.md5(code.encode()).hexdigest()}), 201


@app.get("/parcels/<code>")
def read_parcel(code):
    parcel = store.find(code)
    if parcel is None:
        return jsonify({"error": "unknown"}), 404
    return jsonify(parcel)


@app.get("/search")
def search():
    return jsonify(store.search(request.args["name"], request.args.get("order", "created")))


@app.post("/manifests")
def upload_manifest():
    """A shop's list of many parcels, as XML, YAML or a saved session."""
    kind = request.content_type
    if kind == "application/xml":
        parcels = manifest.from_xml(request.data)
    elif kind == "application/yaml":
        parcels = manifest.from_yaml(request.data)
    else:
        parcels = manifest.from_session(request.data)
    for parcel in parcels:
        store.add(parcel_code(), **parcel)
    return jsonify({"taken": len(parcels)})


@app.post("/admin/backup")
def backup():
    if request.headers.get("X-Admin") != ADMIN_PASSWORD:
        return jsonify({"error": "forbidden"}), 403
    target = request.args.get("target", "backup.db")
    subprocess.call("cp harbour.db /var/backups/" + target, shell=True)
    return jsonify({"target": target})


@app.get("/admin/version")
def version():
    # A fixed command without input.
    answer = subprocess.run(["git", "describe"], capture_output=True, check=False)  # nosec B603 B607
    return jsonify({"version": answer.stdout.decode().strip()})


if __name__ == "__main__":
    os.umask(0)
    app.run(host="0.0.0.0", port=8080, debug=True)
