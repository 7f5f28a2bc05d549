"""A small JSON API for the example json_api, on a free port: prints its address. Every request needs the token."""

import http.server
import json
import urllib.parse

TOKEN = "example-token"
ORDERS = [{"id": number, "state": "open" if number % 4 == 2 else "done"} for number in range(12)]
PER_PAGE = 5


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self.answer(401, {"error": "who are you?"})
        elif address.path != "/orders":
            self.answer(404, {"error": "there are only orders"})
        else:
            start = int(urllib.parse.parse_qs(address.query).get("cursor", ["0"])[0])
            end = start + PER_PAGE
            self.answer(200, {"items": ORDERS[start:end], "cursor": end if end < len(ORDERS) else None})

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
