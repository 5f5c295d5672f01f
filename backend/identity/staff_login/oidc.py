"""OpenID Connect: the authorization code flow with PKCE, as a confidential client.

What a login service says about itself (OpenID Connect Discovery 1.0) is believed where it names the issuer we were told
to trust, and kept for an hour; its keys for ten minutes, and read again before, twice a minute at most, when a token
names one that is not among them, so that a key may be rotated at any time. Authlib makes the PKCE challenge (RFC 7636);
its HTTP clients are not used, because every outgoing call goes through `safe_http`.
"""

import base64
import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import KeySet

from backend import clock, safe_http
from backend.identity.staff_login.errors import InvalidStaffProvider, StaffLoginInvalid, StaffLoginUnavailable
from backend.identity.staff_login.id_tokens import key_named, usable_keys, verified_claims
from backend.identity.staff_login.interfaces import Attempt, StaffIdentity

KIND = "oidc"
DOCUMENT_KEPT, KEYS_KEPT, KEYS_ANEW = timedelta(hours=1), timedelta(minutes=10), timedelta(seconds=30)
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_CODE = re.compile(r"[ -~]{1,512}")
_NAME = re.compile(r"[!-~]{1,255}")
_STAFF_NUMBER = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,64}")


@dataclass(frozen=True, slots=True)
class _Keys:
    found: KeySet
    read_at: datetime


class Services:
    """What login services say about themselves, kept for a while by each process."""

    def __init__(self, allowed_hosts: Collection[str] = ()) -> None:
        self._allowed_hosts = allowed_hosts
        self._documents: dict[str, tuple[dict[str, Any], datetime]] = {}
        self._keys: dict[str, _Keys] = {}
        self._lock = threading.Lock()

    def document(self, issuer: str) -> dict[str, Any]:
        """The discovery document of an issuer. Raises StaffLoginUnavailable."""
        now = clock.now()
        with self._lock:
            known = self._documents.get(issuer)
        if known is not None and now < known[1] + DOCUMENT_KEPT:
            return known[0]
        read = self.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if not isinstance(read, dict) or read.get("issuer") != issuer:
            raise StaffLoginUnavailable("the discovery document is of another issuer")
        for name in _ENDPOINTS:
            try:
                safe_http.check_url(str(read.get(name)), allowed_hosts=self._allowed_hosts)
            except safe_http.AddressRefused:
                raise StaffLoginUnavailable(f"no usable {name}") from None
        with self._lock:
            self._documents[issuer] = (read, now)
        return read

    def keys(self, issuer: str, named: str | None) -> KeySet:
        """The keys of an issuer, read again where this one is not among them. Raises StaffLoginUnavailable."""
        now = clock.now()
        with self._lock:
            known = self._keys.get(issuer)
        if known is not None:
            missing = named is not None and named not in {key.kid for key in known.found.keys}
            if now < known.read_at + (KEYS_ANEW if missing else KEYS_KEPT):
                return known.found
        found = usable_keys(self.get(str(self.document(issuer)["jwks_uri"])))
        with self._lock:
            self._keys[issuer] = _Keys(found, now)
        return found

    def get(self, url: str) -> Any:
        try:
            return safe_http.get_json(url, allowed_hosts=self._allowed_hosts)
        except safe_http.OutsideFailure as failure:
            raise StaffLoginUnavailable(failure.reason) from None
        except safe_http.AddressRefused as refusal:
            raise StaffLoginUnavailable(refusal.detail) from None

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> safe_http.Answer:
        body = urlencode(form).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        try:
            return safe_http.call("POST", url, body=body, headers=headers, allowed_hosts=self._allowed_hosts)
        except safe_http.OutsideFailure as failure:
            raise StaffLoginUnavailable(failure.reason) from None
        except safe_http.AddressRefused as refusal:
            raise StaffLoginUnavailable(refusal.detail) from None


class OpenIdConnect:
    """One employer's login service."""

    begins = True

    def __init__(self, settings: Mapping[str, Any], secret: str, services: Services) -> None:
        self._issuer, self._client_id = str(settings["issuer"]), str(settings["client_id"])
        self._scope, self._claim = str(settings["scope"]), str(settings["staff_number_claim"])
        self._secret, self._services = secret, services

    @staticmethod
    def settings_of(given: Mapping[str, str], *, allowed_hosts: Collection[str]) -> dict[str, Any]:
        """The settings of a provider, checked: `issuer`, `client_id`, `redirect_uris` (blank between them), `scope` and
        `staff_number_claim`. Raises InvalidStaffProvider."""
        issuer, redirect_uris = given.get("issuer", ""), given.get("redirect_uris", "").split()
        settings = {"issuer": issuer, "client_id": given.get("client_id", ""), "redirect_uris": redirect_uris}
        settings["scope"] = given.get("scope", "openid profile")
        settings["staff_number_claim"] = given.get("staff_number_claim", "")
        try:
            safe_http.check_url(issuer, allowed_hosts=allowed_hosts)
            usable = not {"|", "?", "#"} & set(issuer)
        except safe_http.AddressRefused:
            usable = False
        if not usable:
            raise InvalidStaffProvider(because="issuer")
        for name in ("client_id", "staff_number_claim"):
            if not _NAME.fullmatch(str(settings[name])):
                raise InvalidStaffProvider(because=name)
        if "openid" not in str(settings["scope"]).split():
            raise InvalidStaffProvider(because="scope")
        if not redirect_uris or any(urlsplit(uri).scheme != "https" or urlsplit(uri).fragment for uri in redirect_uris):
            raise InvalidStaffProvider(because="redirect_uris")
        return settings

    def authorization_url(self, attempt: Attempt, state: str) -> str:
        endpoint = str(self._services.document(self._issuer)["authorization_endpoint"])
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": self._scope,
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.code_verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def identify(self, code: str, attempt: Attempt | None) -> StaffIdentity:
        """Whom the code stands for: it is exchanged once, never again, and its ID token is believed when it holds."""
        if attempt is None or not _CODE.fullmatch(code):
            raise StaffLoginInvalid("no login was begun, or not the form of a code")
        token = self._id_token(code, attempt)
        keys = self._services.keys(self._issuer, key_named(token))
        expected = {"issuer": self._issuer, "client_id": self._client_id, "nonce": attempt.nonce}
        said = verified_claims(token, keys, **expected, now=clock.now())
        staff_no = said.get(self._claim)
        if not isinstance(staff_no, str) or not _STAFF_NUMBER.fullmatch(staff_no):
            raise StaffLoginUnavailable(f"no usable {self._claim} in the ID token")
        return StaffIdentity(KIND, f"{self._issuer}|{said['sub']}", staff_no)

    def _id_token(self, code: str, attempt: Attempt) -> str:
        document = self._services.document(self._issuer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.code_verifier,
        }
        headers: dict[str, str] = {}
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if isinstance(methods, list) and "client_secret_basic" not in methods:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        else:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        answer = self._services.post_form(str(document["token_endpoint"]), form, headers)
        try:
            read = answer.json()
        except safe_http.OutsideUnavailable as failure:
            raise StaffLoginUnavailable(failure.reason) from None
        said = read if isinstance(read, dict) else {}
        if answer.status == 400 and said.get("error") == "invalid_grant":
            raise StaffLoginInvalid("invalid_grant")
        token = said.get("id_token")
        if not answer.ok or not isinstance(token, str):
            raise StaffLoginUnavailable(f"the token endpoint answered {answer.status} without an ID token")
        return token
