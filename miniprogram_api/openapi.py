"""The OpenAPI document, its page, and the vendored files the page is made of."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask
from flask_smorest import Api
from flask_smorest.utils import prepare_response
from marshmallow import INCLUDE, Schema, fields

from backend import problems

SETTINGS = {
    "API_TITLE": "碳普惠 carbon-inclusion API",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "OPENAPI_SWAGGER_UI_PATH": "/docs",
    "OPENAPI_SWAGGER_UI_URL": "/static/vendor/swagger-ui/",
    # Without a validator the page asks nobody else.
    "OPENAPI_SWAGGER_UI_CONFIG": {"validatorUrl": None, "persistAuthorization": False},
}
DESCRIPTION = (
    "会员小程序的接口：登录、碳账户、入账凭证、授权与平台关联、活动与方法学。"
    "错误一律为 application/problem+json，程序只应依赖 `code`。\n\n"
    "The mini-program's API. Every error is application/problem+json; programs rely on its `code` alone."
)
BEARER = "bearer"


class ProblemSchema(Schema):
    """A refusal (RFC 9457). `code` is stable; titles and details may be reworded; a code may bring facts of its own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"description": "a reference that names the code"})
    title = fields.String(required=True, metadata={"description": "中文 / English"})
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "what programs rely on"})
    detail = fields.String()
    errors = fields.Dict(
        keys=fields.String(), metadata={"description": "what is wrong, by field (INVALID_REQUEST only)"}
    )

    def __deepcopy__(self, _memo: dict[int, Any]) -> "ProblemSchema":
        """Itself: it never changes, and each refusal of each operation is copied whenever something is described."""
        return self


#: How every refusal is described.
PROBLEM = ProblemSchema()


class DescribedApi(Api):
    """flask-smorest for the document alone: errors are answered by `create_app`, in one place for the whole house."""

    ERROR_SCHEMA = ProblemSchema
    # Every operation names its own errors; a catch-all would hide the ones it forgot.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                response: dict[str, Any] = {"description": status.phrase, "schema": self.ERROR_SCHEMA}
                prepare_response(response, self.spec, problems.CONTENT_TYPE)
                self.spec.components.response(status.name, response, lazy=True)


def describe(app: Flask) -> DescribedApi:
    """Serve `/openapi.json`, `/docs` and `/static`; the answer is where resources are registered."""
    app.config.update(SETTINGS)
    app.register_blueprint(Blueprint("static_files", __name__, static_folder="static", static_url_path="/static"))
    api = DescribedApi(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    api.spec.components.security_scheme(
        BEARER, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "POST /api/v1/auth/wechat"}
    )
    return api
