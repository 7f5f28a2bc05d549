"""`fetch`: HTTP over the host. Only hosts that the tool wished for and was granted answer."""

import json as json_module
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import urljoin, urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler, streams
from wit_world.imports import wasi_http_types as http

from ._answer import Failure

_WRITE_BYTES_MAX = 4096
_READ_BYTES_MAX = 65536
_REDIRECTS = (301, 302, 303, 307, 308)


class HttpError(Failure):
    """There is no answer: the host was not granted, nobody answers, it took too long, or it is too large."""


@dataclass
class Response:
    """What the server answered, whatever its status."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes

    def text(self) -> str:
        """The body as text, in the charset that the server names."""
        kind = self.headers.get("content-type", "")
        charset = kind.lower().partition("charset=")[2].split(";")[0].strip(" \"'") or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        try:
            return json_module.loads(self.body)
        except ValueError as error:
            raise HttpError(f"{self.url} answered with something that is not JSON: {error}") from None


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    json: Any = None,
    timeout: float = 30.0,
    redirects: int = 5,
    bytes_max: int = 16 * 1024 * 1024,
) -> Response:
    """Sends a request and waits for the whole answer.

    `json` is sent as the body. Redirects are followed up to that number of times, for GET and HEAD only; the headers
    `authorization` and `cookie` stay behind when the host changes.
    """
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    if json is not None:
        body = json_module.dumps(json, ensure_ascii=False)
        sent.setdefault("content-type", "application/json")
    sent.setdefault("user-agent", "glovebox-tool")
    raw = body.encode() if isinstance(body, str) else body
    for _ in range(redirects + 1):
        answer = _send(url, method.upper(), sent, raw, timeout, bytes_max)
        target = answer.headers.get("location")
        if answer.status not in _REDIRECTS or target is None or method.upper() not in ("GET", "HEAD"):
            return answer
        target = urljoin(url, target)
        if urlsplit(target).netloc != urlsplit(url).netloc:
            sent = {name: value for name, value in sent.items() if name not in ("authorization", "cookie")}
        url = target
    raise HttpError(f"{url} redirects more than {redirects} times")


def _send(
    url: str, method: str, headers: Mapping[str, str], body: bytes | None, timeout: float, bytes_max: int
) -> Response:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise HttpError(f"{url!r} is not an http or https URL")
    if body is not None:
        headers = {**headers, "content-length": str(len(body))}
    try:
        request = http.OutgoingRequest(http.Fields.from_list([(name, value.encode()) for name, value in headers.items()]))
        request.set_method(_method(method))
        request.set_scheme(http.Scheme_Https() if parts.scheme == "https" else http.Scheme_Http())
        request.set_authority(parts.netloc)
        request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        outgoing = request.body()
        pending = outgoing_handler.handle(request, _options(timeout))
        _write(outgoing, body)
        with pending.subscribe() as ready:
            ready.block()
        match pending.get():
            case Ok(Ok(response)):
                return _read(url, response, bytes_max)
            case Ok(Err(code)):
                raise _error(url, code)
            case _:
                raise HttpError(f"{url} did not answer")
    except Err as error:
        raise _error(url, error.value) from None


def _method(name: str) -> http.Method:
    kind = getattr(http, f"Method_{name.capitalize()}", None)
    return http.Method_Other(name) if kind is None or kind is http.Method_Other else kind()


def _options(timeout: float) -> http.RequestOptions:
    nanoseconds = int(timeout * 1_000_000_000)
    options = http.RequestOptions()
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    return options


def _write(outgoing: http.OutgoingBody, body: bytes | None) -> None:
    if body:
        with outgoing.write() as stream:
            for start in range(0, len(body), _WRITE_BYTES_MAX):
                stream.blocking_write_and_flush(body[start : start + _WRITE_BYTES_MAX])
    http.OutgoingBody.finish(outgoing, None)


def _read(url: str, response: http.IncomingResponse, bytes_max: int) -> Response:
    headers: dict[str, str] = {}
    for name, value in response.headers().entries():
        text = value.decode("latin-1")
        headers[name.lower()] = f"{headers[name.lower()]}, {text}" if name.lower() in headers else text
    chunks = bytearray()
    with response.consume() as incoming, incoming.stream() as stream:
        while True:
            try:
                chunks += stream.blocking_read(_READ_BYTES_MAX)
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    break
                raise
            if len(chunks) > bytes_max:
                raise HttpError(f"{url} answered with more than {bytes_max} bytes")
    return Response(url, response.status(), headers, bytes(chunks))


def _error(url: str, code: Any) -> HttpError:
    if isinstance(code, streams.StreamError_LastOperationFailed):
        code = http.http_error_code(code.value) or code
    host = urlsplit(url).netloc
    match code:
        case http.ErrorCode_HttpRequestDenied():
            return HttpError(f"{url}: this tool was not granted the host {host}")
        case http.ErrorCode_InternalError(str() as message):
            return HttpError(f"{url}: {message}")
        case _:
            words = type(code).__name__.removeprefix("ErrorCode_")
            detail = getattr(code, "value", None)
            return HttpError(f"{url}: {words}" + (f" ({detail})" if detail is not None else ""))
