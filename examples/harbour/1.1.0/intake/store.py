"""Parcels in SQLite."""

import sqlite3

PATH = "harbour.db"


def connect():
    connection = sqlite3.connect(PATH)
    connection.row_factory = sqlite3.Row
    return connection


def add(code, name, street, city, grams):
    with connect() as connection:
        connection.execute(
            "INSERT INTO parcels (code, name, street, city, grams) VALUES (?, ?, ?, ?, ?)",
            (code, name, street, city, grams),
        )


def find(code):
    row = connect().execute("SELECT * FROM parcels WHERE code = ?", (code,)).fetchone()
    return None if row is None else dict(row)


def search(name, order):
    query = f"SELECT code, name, city FROM parcels WHERE name LIKE '%{name}%' ORDER BY {order}"
    return [dict(row) for row in connect().execute(query)]


def remove_older(days):
    with connect() as connection:
        connection.execute("DELETE FROM parcels WHERE created < date('now', ?)", (f"-{int(days)} days",))


def count():
    table = "parcels"
    # The table's name is a constant.
    return connect().execute("SELECT count(*) FROM " + table).fetchone()[0]  # nosec B608
