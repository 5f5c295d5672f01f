# ruff: noqa: S310, T201  (it opens the address it is given, and prints)
"""A member's side, as the mini-program does it: log in, link a platform, consent, look at one's account. Sandbox only.

    python member.py link URL NAME TICKET
    python member.py consent URL NAME PARTNER SCENE
    python member.py accounts URL NAME

In the sandbox every NAME logs in with the code `sandbox:NAME`. Standard library only.
"""

import json
import sys
import urllib.error
import urllib.request
from typing import Any


def call(method: str, url: str, path: str, token: str = "", said: dict[str, Any] | None = None) -> Any:
    """One request to the mini-program's API; the answer's JSON. Raises HTTPError for a refusal."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = None if said is None else json.dumps(said).encode()
    request = urllib.request.Request(f"{url}/api/v1{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def main(command: str, url: str, name: str, *rest: str) -> str:
    token = call("POST", url, "/auth/wechat", said={"code": f"sandbox:{name}"})["access_token"]
    match command, rest:
        case "link", (ticket,):
            made = call("POST", url, "/me/partner-links", token, {"ticket": ticket, "programme": "members"})
            return f"{name} is {made['user_ref']} of {made['partner']}"
        case "consent", (partner, scene):
            version = call("GET", url, "/me/consents", token)["text"]["version"]
            agreed = {"partner": partner, "scene": scene, "granted": True, "text_version": version}
            return f"{name} allows {partner}, {scene}: {call('PUT', url, '/me/consents', token, agreed)['state']}"
        case "accounts", ():
            accounts = call("GET", url, "/me/accounts", token)["accounts"]
            return "\n".join(
                f"{one['programme']}: {one['reduction_g']} g, {one['points']['pending']} points pending,"
                f" {one['points']['available']} available"
                for one in accounts
            )
    raise SystemExit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        print(main(*sys.argv[1:]))
    except urllib.error.HTTPError as problem:
        sys.exit(f"{problem.code} {problem.read().decode()}")
