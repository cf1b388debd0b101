"""A service with caches: compiled modules, temporary files, a database, uploads."""
import hashlib
import http.server
import importlib
import json
import logging.handlers
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import uuid

CACHE = "/var/cache/app"
DATA = "/var/lib/app"
for folder in (CACHE, DATA + "/uploads", "/var/log/app"):
    os.makedirs(folder, exist_ok=True)
log = logging.getLogger("app")
log.setLevel(logging.INFO)
log.addHandler(logging.handlers.RotatingFileHandler("/var/log/app/app.log", maxBytes=20000, backupCount=3))


def database(journal):
    db = sqlite3.connect(f"{DATA}/{journal}.db", timeout=20)
    db.execute(f"pragma journal_mode={journal}")
    db.execute("create table if not exists seen (at text, what text)")
    return db


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, text, *args):
        log.info(text, *args)

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with tempfile.NamedTemporaryFile(dir=DATA, delete=False) as file:
            file.write(body)
        name = f"{DATA}/uploads/{uuid.uuid4()}.bin"
        os.replace(file.name, name)
        with database("wal" if len(body) % 2 else "delete") as db:
            db.execute("insert into seen values (datetime(), ?)", (name,))
        self.answer(name)
        if len(os.listdir(f"{DATA}/uploads")) > 50:
            shutil.rmtree(f"{DATA}/uploads")
            os.makedirs(f"{DATA}/uploads")

    def do_GET(self):
        key = hashlib.sha256(self.path.encode()).hexdigest()
        path = f"{CACHE}/{key[:2]}/{key}.cache"
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            fd, fresh = tempfile.mkstemp(dir=CACHE, prefix="fresh-", suffix=".part")
            with os.fdopen(fd, "wb") as file:
                pickle.dump(self.work(), file)
            os.rename(fresh, path)
        with open(path, "rb") as file:
            self.answer(pickle.load(file))

    def work(self):
        what = sum(self.path.encode()) % 4
        if what == 0:
            return importlib.import_module("plugins.words").run("a b a " + self.path)
        if what == 1:
            return importlib.import_module("plugins.totals").run(list(self.path.encode()))
        if what == 2:
            with tempfile.TemporaryDirectory() as folder:
                with open(folder + "/input", "w") as file:
                    file.write(self.path)
                return subprocess.check_output(["/usr/bin/sha256sum", folder + "/input"]).decode()
        with tempfile.TemporaryFile("w+") as file:
            file.write(self.path)
        return self.path


server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
sys.exit(0)
