"""The backend of a carbon-inclusion 碳普惠 points service. `create_app` wires the components, nothing else."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from flask import Flask, Response, current_app, json
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.exceptions import HTTPException

from backend import campaigns, database, problems, school
from backend.errors import Misconfigured, Refusal
from backend.forest import CertificateNames, DonorNames, StepDonations, TeamNames
from backend.identity import SandboxWeChat, WeChatClient, WeChatProvider, phones, public_names, staff_login
from backend.logs import configure_logs
from backend.partners import Gate
from backend.settings import Settings
from backend.settlement import DerivedEffect, register_effects
from backend.vault import Vault
from backend.wechat_api import WeChatApi

#: What hangs on activities and goes back with them, in the order in which it is taken back.
EFFECTS: tuple[DerivedEffect, ...] = (StepDonations(), campaigns.awards.CampaignAwards())
#: What is called by names that members choose.
NAMED: tuple[public_names.Named, ...] = (
    *(DonorNames(), CertificateNames(), TeamNames()),
    *(campaigns.naming.PenNames(), campaigns.naming.TeamNames()),
)

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """What every part of the program shares: settings, database sessions, keys, and the doors to the outside."""

    settings: Settings
    sessions: sessionmaker[Session]
    vault: Vault
    gate: Gate
    wechat: WeChatProvider
    phone_provider: phones.PhoneProvider
    names: public_names.NameDesk
    staff_login_desk: staff_login.StaffLoginDesk
    boards: campaigns.boards.Sources

    def transaction(self) -> AbstractContextManager[Session]:
        """One database transaction: committed when the block ends, rolled back when it raises."""
        return database.transaction(self.sessions)

    def retried(self, act: Callable[[Session], T]) -> T:
        """What `act` returns, in a transaction of its own; begun again when it was chosen to end a deadlock."""
        return database.retried(self.sessions, act)

    def reading(self, *, one_moment: bool = False) -> AbstractContextManager[Session]:
        """A transaction that the database keeps from writing; with `one_moment` all it reads is of one moment."""
        return database.reading(self.sessions, one_moment=one_moment)


def build_house(settings: Settings, effects: Iterable[DerivedEffect] = EFFECTS) -> House:
    """Everything shared, from settings alone: the worker and the commands need no web server.

    `effects`: what is taken back together with an activity.
    """
    if faults := settings.unsafe_in_production():
        raise Misconfigured("; ".join(faults))
    sessions = database.session_factory(database.make_engine(settings.database_url))
    register_effects(sessions, effects)
    statements = database.make_statement_engine(settings.database_url)
    vault = Vault(settings.vault_key, settings.fingerprint_key)
    wechat: WeChatProvider = (
        SandboxWeChat(settings.wechat_appid)
        if settings.wechat_provider == "sandbox"
        else WeChatClient(settings.wechat_appid, settings.wechat_secret)
    )
    gate = Gate(statements, sessions, vault)
    desk = staff_login.StaffLoginDesk(sessions, vault, settings.sandbox_hosts)
    boards = campaigns.boards.sources(settings.redis_url, sessions, class_heads=school.class_seats)
    phone_provider, names = _phones(settings, sessions, vault), name_desk(settings, sessions, vault)
    return House(settings, sessions, vault, gate, wechat, phone_provider, names, desk, boards)


def _phones(settings: Settings, sessions: sessionmaker[Session], vault: Vault) -> phones.PhoneProvider:
    """Whoever verifies phone numbers by these settings: WeChat, or its twin in a sandbox."""
    if settings.wechat_provider == "sandbox":
        return phones.SandboxPhones()
    return phones.WeChatPhones(WeChatApi(settings.wechat_appid, settings.wechat_secret, sessions, vault))


def name_desk(settings: Settings, sessions: sessionmaker[Session], vault: Vault) -> public_names.NameDesk:
    """Where names that members choose are checked: by WeChat, or by its twin in a sandbox."""
    checks: public_names.NameChecks = public_names.SandboxNameChecks(settings.wechat_appid)
    if settings.wechat_provider != "sandbox":
        checks = public_names.WeChatNameChecks(
            WeChatApi(settings.wechat_appid, settings.wechat_secret, sessions, vault)
        )
    return public_names.NameDesk(sessions, vault, checks, NAMED)


def house() -> House:
    """The house of the running application."""
    found: House = current_app.extensions["house"]
    return found


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application without the mini-program's API, which `miniprogram_api.register` adds."""
    from backend import cli
    from backend.campaigns.views import blueprint as campaigns_blueprint
    from backend.forest.views import blueprint as forest_blueprint
    from backend.operations import blueprint as operations_blueprint
    from backend.partners.views import blueprint as partners_blueprint
    from backend.points.views import blueprint as points_blueprint
    from backend.sandbox.views import blueprint as sandbox_blueprint
    from backend.wechat_pushes.views import blueprint as wechat_pushes_blueprint

    settings = settings or Settings.from_environment()
    configure_logs(settings.log_level)
    app = Flask(__name__, static_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["house"] = build_house(settings)
    app.register_blueprint(operations_blueprint)
    app.register_blueprint(points_blueprint)
    app.register_blueprint(forest_blueprint)
    app.register_blueprint(campaigns_blueprint)
    app.register_blueprint(partners_blueprint)
    app.register_blueprint(wechat_pushes_blueprint)
    app.register_blueprint(sandbox_blueprint)  # answers 404 in production
    app.register_error_handler(Refusal, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_accident)
    cli.register(app)
    return app


def problem_response(document: dict[str, object]) -> Response:
    """A problem document as the answer to a request."""
    text = json.dumps(document, default=str, ensure_ascii=False)
    return Response(text, status=int(str(document["status"])), content_type=problems.CONTENT_TYPE)


def _answer_refusal(refusal: Refusal) -> Response:
    # What the outside is not told (which part of a signature failed, say) is for the operator.
    log.info("refused", code=refusal.code, reason=getattr(refusal, "reason", "") or refusal.detail)
    answer = problem_response(problems.of_refusal(refusal))
    if refusal.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after_s)
    return answer


def _answer_http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        answer: Response = error.get_response()  # type: ignore[assignment]
        return answer
    answer = problem_response(problems.of_status(error.code))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            answer.headers[name] = value
    return answer


def _answer_accident(error: Exception) -> Response:
    document = problems.of_accident(error)
    if document["status"] == 500:
        log.error("accident", exc_info=error)
    else:
        log.warning("accident", error=repr(error), status=document["status"])
    return problem_response(document)
