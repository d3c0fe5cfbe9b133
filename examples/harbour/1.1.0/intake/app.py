"""The intake service of Harbour: shops hand parcels over here."""

import hashlib
import os
import secrets
import shutil
import subprocess  # nosec B404

from flask import Flask, jsonify, request

from intake import courier_mail, labels, manifest, store

app = Flask(__name__)
app.secret_key = os.environ["HARBOUR_SECRET"]

ADMIN_PASSWORD = os.environ["HARBOUR_ADMIN"]


def parcel_code():
    """Eight digits that the customer tracks the parcel by."""
    return "".join(str(secrets.randbelow(10)) for _ in range(8))


@app.post("/parcels")
def create_parcel():
    body = request.get_json()
    code = parcel_code()
    store.add(code, body["name"], body["street"], body["city"], int(body["grams"]))
    labels.print_label(code, body.get("printer", "front-desk"))
    return jsonify({"code": code, "etag": hashlib.sha256(code.encode()).hexdigest()}), 201


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
    shutil.copy("harbour.db", os.path.join("/var/backups", os.path.basename(target)))
    return jsonify({"target": target})


@app.post("/couriers/<name>/letters")
def write_courier(name):
    courier_mail.send(name, request.get_json()["text"])
    return jsonify({"sent": True})


@app.get("/admin/version")
def version():
    # A fixed command without input.
    answer = subprocess.run(["git", "describe"], capture_output=True, check=False)  # nosec B603 B607
    return jsonify({"version": answer.stdout.decode().strip()})


if __name__ == "__main__":
    os.umask(0)
    app.run(host="0.0.0.0", port=8080)
