"""What shops send us: lists of parcels in several formats."""

import pickle
import tarfile
import xml.etree.ElementTree as tree

import requests
import yaml

PARTNER_TOKEN = "partner-token-of-1998"


def from_xml(data):
    return [dict(element.attrib) for element in tree.fromstring(data).iter("parcel")]


def from_yaml(data):
    return yaml.safe_load(data)


def from_session(data):
    return pickle.loads(data)


def from_partner(address):
    answer = requests.get(address, headers={"Authorization": PARTNER_TOKEN}, timeout=10)
    return answer.json()


def from_archive(path, target="/var/tmp/manifests"):
    with tarfile.open(path) as archive:
        archive.extractall(target)
    return target


def price(formula, grams):
    """Each shop has a formula of its own, such as `grams * 0.004 + 2`."""
    factor, base = formula.split("+")
    return grams * float(factor.replace("grams *", "")) + float(base)
