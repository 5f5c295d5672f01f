"""An employer's login services over real HTTP: a WeCom of several corporations, and an OpenID provider.

Both speak their real protocols and are as strict as the real ones: codes are good once, tokens end, PKCE is verified.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from werkzeug.serving import make_server

from backend import clock

CLIENT_ID, CLIENT_SECRET, CORP_SECRET = "carbon:app", "s3cret:/with?odd", "corp-secret"


class Employer:
    """What the services know, and what they were asked. `twist` changes claims of ID tokens, `signing` how they are
    signed: "key", "none", "hmac", "stranger" or "rsa"."""

    def __init__(self) -> None:
        self.host = ""
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})
        self.former: list[Any] = []
        self.twist: dict[str, Any] = {}
        self.signing, self.issuer_said = "key", ""
        self.grants: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def issuer(self) -> str:
        return f"{self.url}/idp"

    # -- what happens in a browser or an app ---------------------------------------------------------------

    def wecom_code(self, corp: str, **answer: Any) -> str:
        """The code an app of this corporation is given for somebody."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = {"corp": corp, **answer}
        return code

    def signs_in(self, authorization_url: str, sub: str, **claims: Any) -> str:
        """Somebody signs in at the page the browser was sent to; returns the code it comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID and "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(24)
        self.grants[code] = {**asked, "sub": sub, "claims": claims}
        return code

    # -- WeCom ---------------------------------------------------------------------------------------------

    def wecom(self, path: str) -> Any:
        self.asked.append(path)
        given = request.args
        if path == "gettoken":
            if given.get("corpsecret") != CORP_SECRET:
                return jsonify({"errcode": 40001, "errmsg": "invalid credential"})
            token = self.tokens.setdefault(given["corpid"], secrets.token_urlsafe(64))
            return jsonify({"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": 7200})
        corps = [corp for corp, token in self.tokens.items() if token == given.get("access_token")]
        if not corps:
            return jsonify({"errcode": 40014, "errmsg": "invalid access_token"})
        found = self.codes.pop(given.get("code", given.get("js_code", "")), None)
        if found is None or (found["corp"] != corps[0] and path == "auth/getuserinfo"):
            return jsonify({"errcode": 40029, "errmsg": "invalid code"})
        answer = {name: value for name, value in found.items() if name != "corp"}
        if path == "miniprogram/jscode2session":
            answer |= {"corpid": found["corp"], "session_key": base64.b64encode(bytes(16)).decode()}
        return jsonify({"errcode": 0, "errmsg": "ok", **answer})

    # -- OpenID Connect ------------------------------------------------------------------------------------

    def discovery(self) -> Any:
        self.asked.append("discovery")
        return jsonify(
            {
                "issuer": self.issuer_said or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
        )

    def keys(self) -> Any:
        self.asked.append("keys")
        published = [key.as_dict(private=False) for key in (self.key, *self.former)]
        return jsonify({"keys": [*published, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, "nonsense"]})

    def token(self) -> Any:
        self.asked.append("token")
        pair = f"{quote(CLIENT_ID, safe='')}:{quote(CLIENT_SECRET, safe='')}"
        if request.headers["Authorization"] != "Basic " + base64.b64encode(pair.encode()).decode():
            return jsonify({"error": "invalid_client"}), 401
        grant = self.grants.pop(request.form["code"], None)
        if grant is None or grant["redirect_uri"] != request.form["redirect_uri"]:
            return jsonify({"error": "invalid_grant"}), 400
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        if challenge.decode().rstrip("=") != grant["code_challenge"]:
            return jsonify({"error": "invalid_grant"}), 400
        return jsonify({"access_token": "unused", "token_type": "Bearer", "id_token": self._id_token(grant)})

    def _id_token(self, grant: dict[str, Any]) -> str:
        now = int(clock.now().timestamp())
        claims = {"iss": self.issuer, "sub": grant["sub"], "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= {"nonce": grant["nonce"], **grant["claims"], **self.twist}
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.signing in ("none", "hmac"):  # with no key at all, or the public one as a shared secret
            alg = {"none": "none", "hmac": "HS256"}[self.signing]
            said = ".".join(_text(json.dumps(part).encode()) for part in ({"alg": alg, "kid": "k1"}, claims))
            public = self.key.as_pem(private=False)
            mac = hmac.digest(public, said.encode(), "sha256") if self.signing == "hmac" else b""
            return f"{said}.{_text(mac)}"
        if self.signing == "rsa":
            return jwt.encode({"alg": "RS256", "kid": "r1"}, claims, self.former[0], algorithms=["RS256"])
        key = ECKey.generate_key("P-256", {"kid": "k1"}) if self.signing == "stranger" else self.key
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])

    def rotate(self, kid: str) -> None:
        """Sign with another key from now on; the former one is published no more."""
        self.key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})

    def sign_with_rsa(self) -> None:
        self.former = [RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})]
        self.signing = "rsa"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@contextmanager
def employer() -> Iterator[Employer]:
    """The services, up on a port of their own."""
    made, app = Employer(), Flask("employer", static_folder=None)
    for path in ("gettoken", "auth/getuserinfo", "miniprogram/jscode2session"):
        app.add_url_rule(f"/cgi-bin/{path}", path, lambda path=path: made.wecom(path))
    app.add_url_rule("/idp/.well-known/openid-configuration", "discovery", made.discovery)
    app.add_url_rule("/idp/keys", "keys", made.keys)
    app.add_url_rule("/idp/token", "token", made.token, methods=["POST"])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    made.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
